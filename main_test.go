package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is this module's path, which every package's begins with.
const module = "mailferry"

// rule says what a package, and those below it that have no rule of their own, may import of ours.
type rule struct {
	of    string   // below the module
	below bool     // holds for packages below as well
	may   []string // "x/..." is x and everything below
}

// rules is the house's plan. A package without a rule has no place in it.
func rules() []rule {
	return []rule{
		{of: "", may: []string{"commands"}},
		{of: "commands", below: true, may: []string{"commands/...", "transfer/...", "archive/..."}},
		{of: "transfer", may: []string{"transfer/mail"}},
		{of: "transfer/mail"},
		{of: "transfer/mail/mailtest", below: true, may: []string{"transfer/mail", "transfer/mail/mailtest/..."}},
		{of: "transfer/ledger", may: []string{"transfer/mail", "transfer"}},
		{of: "transfer/imapstore", may: []string{"transfer/mail", "transfer/imapstore/wire/..."}},
		{of: "transfer/imapstore/wire", below: true, may: []string{"transfer/mail", "transfer/imapstore/wire/..."}},
		{of: "transfer/imapstore/imaptest", below: true, may: []string{"transfer/mail", "transfer/imapstore/imaptest/..."}},
		{of: "transfer/imapstore/servertest", below: true, may: []string{"transfer/mail", "transfer/imapstore/servertest/..."}},
		{of: "archive", below: true, may: []string{"transfer/mail", "archive/..."}},
	}
}

// ruleFor returns the rule of the nearest package that has one.
func ruleFor(all []rule, pkg string) (best rule, ok bool) {
	for _, r := range all {
		exact := pkg == r.of
		if (exact || r.below && within(pkg, r.of)) && (!ok || len(r.of) > len(best.of)) {
			best, ok = r, true
		}
	}
	return best, ok
}

func within(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

func (r rule) permits(pkg string) bool {
	return slices.ContainsFunc(r.may, func(pattern string) bool {
		root, tree := strings.CutSuffix(pattern, "/...")
		return pkg == root || tree && within(pkg, root)
	})
}

// testPackage returns the package for tests that pkg is or belongs to.
func testPackage(pkg string) (string, bool) {
	for _, root := range []string{"transfer/mail/mailtest", "transfer/imapstore/imaptest", "transfer/imapstore/servertest"} {
		if within(pkg, root) {
			return root, true
		}
	}
	return "", false
}

type listed struct {
	ImportPath string
	Imports    []string
	Error      *struct{ Err string }
}

// packages are those of this module, with what their files other than tests import.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Error", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Error != nil {
			t.Errorf("%s: %s", p.ImportPath, p.Error.Err)
		}
		all = append(all, p)
	}
	if len(all) < 3 {
		t.Fatalf("go list knows only %v", all)
	}
	return all
}

// ours returns the path below the module.
func ours(importPath string) (string, bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func TestPackagesImportWhatTheyMay(t *testing.T) {
	for _, p := range packages(t) {
		pkg, _ := ours(p.ImportPath)
		for _, complaint := range complaints(pkg, p.Imports) {
			t.Errorf("%s: %s", p.ImportPath, complaint)
		}
	}
}

// complaints says which imports of a package break the plan.
func complaints(pkg string, imports []string) (out []string) {
	r, known := ruleFor(rules(), pkg)
	if !known {
		return []string{"it has no place in the house"}
	}
	for _, imported := range imports {
		if other, own := ours(imported); own {
			if !r.permits(other) {
				out = append(out, "it may not import "+imported)
			} else if root, test := testPackage(other); test && !within(pkg, root) &&
				!(within(pkg, "commands") && root == "transfer/imapstore/imaptest") {
				out = append(out, imported+" is for tests")
			}
			continue
		}
		if pkg == "transfer/mail" && strings.Contains(strings.Split(imported, "/")[0], ".") {
			out = append(out, "it imports "+imported+", which is not of the standard library")
		}
		if path.Base(imported) == "imapclient" && !within(pkg, "transfer/imapstore") {
			out = append(out, "it imports "+imported+", which only transfer/imapstore may")
		}
	}
	return out
}

// The plan itself is tried with imports that must not be.
func TestForbiddenImportsAreFound(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		ok            bool
	}{
		{"transfer/mail", "io", true},
		{"transfer/mail", "golang.org/x/sync/errgroup", false},
		{"transfer/mail", module + "/transfer", false},
		{"transfer", module + "/transfer/mail", true},
		{"transfer", module + "/transfer/ledger", false},
		{"transfer", module + "/transfer/mail/mailtest", false},
		{"transfer", module + "/transfer/imapstore", false},
		{"transfer/ledger", module + "/transfer", true},
		{"transfer/ledger", module + "/archive", false},
		{"transfer/imapstore", module + "/transfer/imapstore/wire", true},
		{"transfer/imapstore", module + "/transfer", false},
		{"transfer/imapstore", module + "/transfer/imapstore/imaptest", false},
		{"transfer/imapstore/wire", "github.com/emersion/go-imap/v2/imapclient", true},
		{"transfer/imapstore/wire", module + "/transfer/imapstore", false},
		{"archive/mbox", module + "/archive", true},
		{"archive/mbox", module + "/transfer/mail", true},
		{"archive/mbox", module + "/transfer", false},
		{"archive", "github.com/emersion/go-imap/v2/imapclient", false},
		{"commands", module + "/archive/mbox", true},
		{"commands", module + "/transfer/imapstore/imaptest", true},
		{"commands", module + "/transfer/mail/mailtest", false},
		{"commands", "github.com/emersion/go-imap/v2/imapclient", false},
		{"", module + "/commands", true},
		{"", module + "/transfer", false},
		{"util", "io", false},
		{"transfer/util", "io", false},
	} {
		if got := complaints(c.pkg, []string{c.imported}); (len(got) == 0) != c.ok {
			t.Errorf("%s imports %s: %q", c.pkg, c.imported, got)
		}
	}
}

func TestTopLevelHoldsOnlyTheFixedNames(t *testing.T) {
	fixed := []string{"main.go", "main_test.go", "commands", "transfer", "archive", "testdata", "go.mod", "go.sum", "README.md"}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(fixed, e.Name()) && !ignored(t, e.Name()) {
			t.Errorf("%s does not belong here", e.Name())
		}
	}
}

// ignored reports whether .gitignore names a file of the top level: a binary that was built there.
func ignored(t *testing.T, name string) bool {
	text, err := os.ReadFile(".gitignore")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return slices.ContainsFunc(strings.Fields(string(text)), func(pattern string) bool {
		match, err := path.Match(strings.Trim(pattern, "/"), name)
		return err == nil && match
	})
}

// size is the length of a file or function.
type size struct {
	what  string
	lines int
}

func TestFilesAndFunctionsAreSmall(t *testing.T) {
	var files, functions []size
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, within := measure(t, name)
		files, functions = append(files, file), append(functions, within...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	bound(t, "files", files, 500, 50, 150)
	bound(t, "functions", functions, 100, 95, 60)
	bound(t, "functions", functions, 100, 50, 15)
}

func measure(t *testing.T, name string) (file size, functions []size) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return size{what: name}, nil
	}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			lines := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1
			functions = append(functions, size{name + ": " + f.Name.Name, lines})
		}
	}
	return size{name, fset.Position(parsed.FileEnd).Line}, functions
}

// bound checks that none is longer than most, and a percentile not longer than usual.
func bound(t *testing.T, what string, all []size, most, percentile, usual int) {
	t.Helper()
	slices.SortFunc(all, func(a, b size) int { return a.lines - b.lines })
	for _, s := range all {
		if s.lines > most {
			t.Errorf("%s has %d lines, and none of the %s may have more than %d", s.what, s.lines, what, most)
		}
	}
	if len(all) == 0 {
		t.Fatalf("no %s", what)
	}
	if got := all[(len(all)-1)*percentile/100].lines; got > usual {
		t.Errorf("%d percent of the %s are longer than %d lines", 100-percentile, what, usual)
	}
}
