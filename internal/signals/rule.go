package signals

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

const maxRule = 4096 // bytes

// rule is a condition over numbers, compiled. It has no loops, no lists and no
// texts, so that evaluating it takes as many steps as it has words: expr's
// own bound is on memory, and all(1..999, all(1..999, …)) needs little of it.
type rule struct {
	program *vm.Program
	names   []string // in the order in which the rule has them
}

// functions are those that a rule may call.
var functions = []string{"abs", "ceil", "floor", "round", "min", "max"}

// operators are those that a rule may use. Without %, which knows no fractions.
var operators = []string{"==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "**", "^", "&&", "||", "and", "or"}

func compileRule(text string) (*rule, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, errors.New(`is missing: say what is bad, such as "linkage == 0 && total > 5"`)
	case len(text) > maxRule:
		return nil, fmt.Errorf("has more than %d bytes", maxRule)
	}
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, ruleError(err)
	}
	r := &rule{}
	if err := r.check(tree.Node); err != nil {
		return nil, err
	}
	if len(r.names) == 0 {
		return nil, errors.New("names no number of the query, so that it is always the same")
	}
	env := make(map[string]float64, len(r.names))
	for _, name := range r.names {
		env[name] = 0
	}
	options := []expr.Option{expr.Env(env), expr.AsBool(), expr.Patch(flat{}), expr.DisableAllBuiltins(),
		expr.Function("_divide", divide, new(func(float64, float64) float64)), expr.Operator("/", "_divide"),
		expr.Function("_power", power, new(func(float64, float64) float64)), expr.Operator("**", "_power"), expr.Operator("^", "_power")}
	for _, f := range functions {
		options = append(options, expr.EnableBuiltin(f))
	}
	r.program, err = expr.Compile(text, options...)
	if err != nil {
		return nil, ruleError(err)
	}
	return r, nil
}

// check walks the rule, refuses what it may not have and collects its names.
func (r *rule) check(n ast.Node) error {
	var below []ast.Node
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
	case *ast.IdentifierNode, *ast.MemberNode:
		name := dottedName(n)
		if name == "" {
			return refuse(n, "only names such as total or stats.total can be looked up")
		}
		if !slices.Contains(r.names, name) {
			r.names = append(r.names, name)
		}
	case *ast.UnaryNode:
		below = []ast.Node{n.Node}
	case *ast.BinaryNode:
		if !slices.Contains(operators, n.Operator) {
			return refuse(n, fmt.Sprintf("the operator %s is not for numbers: there are %s, not", n.Operator, strings.Join(operators, " ")))
		}
		below = []ast.Node{n.Left, n.Right}
	case *ast.ConditionalNode:
		below = []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.BuiltinNode:
		if !slices.Contains(functions, n.Name) {
			return refuse(n, fmt.Sprintf("there is no function %s: there are %s", n.Name, strings.Join(functions, ", ")))
		}
		below = n.Arguments
	case *ast.CallNode:
		callee := fmt.Sprint(n.Callee)
		return refuse(n, fmt.Sprintf("there is no function %s: there are %s%s", callee, strings.Join(functions, ", "), didYouMean(callee, functions)))
	case *ast.StringNode:
		return refuse(n, "a rule compares numbers, not texts")
	default:
		return refuse(n, "a rule is made of names, numbers, comparisons, && || ! and + - * /")
	}
	for _, b := range below {
		if err := r.check(b); err != nil {
			return err
		}
	}
	return nil
}

func refuse(n ast.Node, why string) error {
	return fmt.Errorf("%s (column %d)", why, n.Location().From+1)
}

// ruleError puts expr's drawing of the place into one line.
func ruleError(err error) error {
	var at *file.Error
	if errors.As(err, &at) {
		if at.Line > 1 {
			return fmt.Errorf("%s (line %d, column %d)", at.Message, at.Line, at.Column+1)
		}
		return fmt.Errorf("%s (column %d)", at.Message, at.Column+1)
	}
	return errors.New(oneLine(err.Error()))
}

// dottedName is the path that a node names: "stats.total".
func dottedName(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.MemberNode:
		field, ok := n.Property.(*ast.StringNode)
		above := dottedName(n.Node)
		if ok && above != "" && !n.Optional && !n.Method {
			return above + "." + field.Value
		}
	}
	return ""
}

// flat makes one name of a path, since answers are flat, and a fraction of each
// number, since the operators below are about those.
type flat struct{}

func (flat) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.MemberNode:
		ast.Patch(node, &ast.IdentifierNode{Value: dottedName(n)})
	case *ast.IntegerNode:
		ast.Patch(node, &ast.FloatNode{Value: float64(n.Value)})
	}
}

// divide refuses to divide by zero: 0/0 is no number, and a comparison with it
// would be false, which is to say that all is well.
func divide(params ...any) (any, error) {
	a, b := params[0].(float64), params[1].(float64)
	if b == 0 {
		return nil, &noNumber{"the rule divides by zero"}
	}
	return a / b, nil
}

// power is like divide: the root of what is below zero is no number either.
func power(params ...any) (any, error) {
	a, b := params[0].(float64), params[1].(float64)
	c := math.Pow(a, b)
	if math.IsNaN(c) || math.IsInf(c, 0) {
		return nil, &noNumber{fmt.Sprintf("%s ** %s is no number", formatNumber(a), formatNumber(b))}
	}
	return c, nil
}

// judge evaluates the rule: true is bad. The error is a *noNumber when a
// number that the rule names is missing, even one that would not change the
// outcome, so that the meaning of a rule does not depend on its order.
func (r *rule) judge(a answer) (bad bool, err error) {
	env := make(map[string]float64, len(r.names))
	var missing error
	for _, name := range r.names {
		v, err := a.number(name)
		switch {
		case err == nil:
			env[name] = v
		case !errors.As(err, new(*noNumber)):
			return false, err // a name that does not exist is worse than one without a value
		case missing == nil:
			missing = err
		}
	}
	if missing != nil {
		return false, missing
	}
	out, err := expr.Run(r.program, env)
	if err != nil {
		var none *noNumber
		if errors.As(err, &none) {
			return false, &noNumber{none.why + ": " + r.told(a)}
		}
		return false, fmt.Errorf("rule: %w", ruleError(err))
	}
	return out.(bool), nil
}

// told says the numbers: "linkage is 0, total is 27".
func (r *rule) told(a answer) string {
	said := make([]string, len(r.names))
	for i, name := range r.names {
		said[i] = name + " is " + formatNumber(a[name].number)
	}
	return strings.Join(said, ", ")
}
