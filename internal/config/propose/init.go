package propose

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Init writes the file. It never overwrites one, nor follows a link that is
// there already.
func Init(path string, services []Service) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and was left as it is: edit it, or move it away first", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(Text(services))
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(path) // ours, and not whole
		return fmt.Errorf("%s could not be written: %w", path, err)
	}
	return nil
}
