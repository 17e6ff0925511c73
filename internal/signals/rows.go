package signals

import (
	"database/sql"
	"fmt"
	"strconv"
	"time"
)

// maxColumns is how many numbers one query may give.
const maxColumns = 64

// firstRow reads the first row of an answer, and no other.
func firstRow(rows *sql.Rows) (answer, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	if err := checkColumns(columns); err != nil {
		return nil, err
	}
	if !rows.Next() {
		return nil, rows.Err() // without an error: no row
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	if err := rows.Scan(values...); err != nil {
		return nil, err
	}
	a := make(answer, len(columns))
	for i, name := range columns {
		a[name] = sqlCell(*values[i].(*any))
	}
	return a, rows.Err()
}

// checkColumns refuses what would give a name two values, or an incident a
// table.
func checkColumns(columns []string) error {
	if len(columns) > maxColumns {
		return fmt.Errorf("the query gives %d columns: %d are the most", len(columns), maxColumns)
	}
	seen := make(map[string]bool, len(columns))
	for _, c := range columns {
		if seen[c] {
			return fmt.Errorf("the query gives two columns named %s: name them with AS", c)
		}
		seen[c] = true
	}
	return nil
}

// sqlCell reads a value as the drivers of database/sql give it.
func sqlCell(v any) cell {
	switch v := v.(type) {
	case nil:
		return none("NULL")
	case int64:
		return number(float64(v))
	case uint64: // MySQL's unsigned
		return number(float64(v))
	case float64:
		return number(v)
	case float32: // MySQL's float: 0.1 must not become 0.10000000149
		exact, _ := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
		return number(exact)
	case bool:
		if v {
			return number(1)
		}
		return number(0)
	case []byte:
		if len(v) == 1 && v[0] <= 1 { // MySQL's BIT(1)
			return number(float64(v[0]))
		}
		return textCell(string(v))
	case string:
		return textCell(v)
	case time.Time:
		return cell{kind: isOther, text: "the time " + v.UTC().Format(time.RFC3339)}
	default:
		return cell{kind: isOther, text: fmt.Sprintf("of the type %T", v)}
	}
}
