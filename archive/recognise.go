package archive

import (
	"context"
	"errors"
	"os"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

// findFormat asks what is written down first: a folder may be called "cur", and files of others may be anywhere.
func (a *Archive) findFormat() (err error) {
	format := a.recordedFormat()
	if format == "" {
		if format, err = a.apparentFormat(); err != nil {
			return err
		}
	}
	a.format = maildirFormat{a.fs}
	if format == MBox {
		a.format = mboxFormat{a.fs}
	}
	return nil
}

// recordedFormat is "" if there is no record.
func (a *Archive) recordedFormat() Format {
	// A damaged README names no format, or a wrong one only with much luck.
	switch text, _ := readmeValue(a.own("README"), readmeFormat); Format(text) {
	case Maildir, MBox:
		return Format(text)
	}
	for _, name := range []string{catalogueFile, copyFile} {
		if _, err := os.Stat(a.own(name)); err != nil {
			continue
		}
		cat, err := catalogue.OpenReadOnly(a.own(name), false)
		if err != nil {
			continue
		}
		format, err := cat.Format(context.Background())
		if cerr := cat.Close(); err == nil && cerr == nil {
			return Format(format)
		}
	}
	return ""
}

// apparentFormat is what the files look like.
func (a *Archive) apparentFormat() (Format, error) {
	if a.has("cur") && a.has("new") && a.has("tmp") {
		return Maildir, nil
	}
	found := errors.New("found")
	err := mboxFormat{a.fs}.folders(func(string, mail.Path) error { return found })
	switch {
	case err == found:
		return MBox, nil
	case err == nil && a.has("cur"):
		return Maildir, nil // many programs leave out empty directories when they copy
	}
	return a.opts.Format, err
}

func (a *Archive) has(dir string) bool {
	info, err := a.fs.Stat(dir)
	return err == nil && info.IsDir()
}
