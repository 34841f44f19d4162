package commands

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mailferry/transfer"
)

// checkReportFile finds out before a run of hours that its report can be written.
func checkReportFile(path string) error {
	if path == "" {
		return nil
	}
	f, err := reportTemp(path)
	if err != nil {
		return usage("--report: "+err.Error(), "the directory must exist and be one that you can write to")
	}
	_ = f.Close()
	return os.Remove(f.Name())
}

func reportTemp(path string) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	var known *fs.PathError
	if errors.As(err, &known) {
		known.Path = path // the name of the user, and not one that never came to be
	}
	return f, err
}

// writeReportFile writes the report beside path and renames it, so that a reader never
// sees half of one. A name that ends in .json asks for JSON.
func writeReportFile(path, source, dest string, r *transfer.Report, runErr error, more extra) error {
	f, err := reportTemp(path)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	write := writeTextReport
	if strings.EqualFold(filepath.Ext(path), ".json") {
		write = writeJSONReport
	}
	err = write(f, source, dest, r, runErr, more)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func writeTextReport(w io.Writer, source, dest string, r *transfer.Report, runErr error, more extra) error {
	fmt.Fprintf(w, "from %s\nto   %s\nrun  %s to %s\n\n", source, dest,
		r.Started.Format("2006-01-02 15:04:05 -0700"), r.Finished.Format("2006-01-02 15:04:05 -0700"))
	if err := writeReport(w, r, runErr, more.notes...); err != nil {
		return err
	}
	if runErr != nil {
		fmt.Fprintf(w, "\nended early: %s\n", shown(firstLine(runErr)))
	}
	var err error
	for i, line := range problemLines(r) {
		if i == 0 {
			fmt.Fprintln(w)
		}
		_, err = fmt.Fprintln(w, shown(line))
	}
	return err
}

func writeJSONReport(w io.Writer, source, dest string, r *transfer.Report, runErr error, more extra) error {
	folders, problems := []object{}, []object{}
	for _, f := range r.Folders {
		folders = append(folders, folderObject(f))
	}
	for _, p := range r.Problems {
		problems = append(problems, problemObject(p))
	}
	whole := summaryObject(r, runErr).with(more.fields).with(object{"type": "report", "source": source, "destination": dest,
		"folder_reports": folders, "message_errors": problems})
	if runErr != nil {
		whole["error"] = shown(firstLine(runErr))
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(whole)
}
