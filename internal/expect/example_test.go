package expect_test

import (
	"fmt"
	"time"

	"github.com/aweigh/aweigh/internal/expect"
)

func Example() {
	e, err := expect.Compile(`status == 200 && body.checks["db"].ok && latency < 500ms`)
	if err != nil {
		fmt.Println(err)
		return
	}
	ok, why := e.Holds(expect.Answer{
		Status:  expect.Code(200),
		Latency: 12 * time.Millisecond,
		Body:    []byte(`{"checks":{"db":{"ok":false}}}`),
	})
	fmt.Println(ok)
	fmt.Println(why)
	// Output:
	// false
	// expected body.checks["db"].ok, got body.checks["db"].ok false
}

func ExampleCompile_unknownName() {
	_, err := expect.Compile(`status == 200 && boody.status == "ok"`)
	fmt.Println(err)
	// Output:
	// column 18: unknown name "boody": did you mean "body"?
	//     status == 200 && boody.status == "ok"
	//                      ^
}
