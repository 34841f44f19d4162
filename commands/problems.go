package commands

import (
	"fmt"

	"mailferry/transfer"
)

// problemLines lists folders and messages that are not as they should be.
func problemLines(r *transfer.Report) []string {
	if r == nil {
		return nil
	}
	out := folderProblems(r)
	for _, p := range r.Problems {
		out = append(out, problemLine(p))
	}
	return out
}

func folderProblems(r *transfer.Report) (out []string) {
	for _, f := range failedFolders(r) {
		out = append(out, fmt.Sprintf("folder %q: %s", f.Source, firstLine(f.Err)))
	}
	return out
}

// sameProblems is how many messages of a folder with one and the same reason are named on a screen: a full destination
// answers alike for thousands, and what went wrong besides must not be lost among them.
const sameProblems = 20

// briefProblems is problemLines for a screen.
func briefProblems(r *transfer.Report) []string {
	if r == nil {
		return nil
	}
	out := folderProblems(r)
	for start := 0; start < len(r.Problems); {
		end := start
		for end < len(r.Problems) && r.Problems[end].Folder == r.Problems[start].Folder {
			end++
		}
		out = append(out, briefFolder(r.Problems[start:end])...)
		start = end
	}
	return out
}

// briefFolder lists the problems of one folder.
func briefFolder(problems []transfer.Problem) (out []string) {
	same := make(map[string]int)
	var often []string // reasons that come too often
	for _, p := range problems {
		reason := string(p.Kind)
		if p.Err != nil {
			reason += firstLine(p.Err)
		}
		same[reason]++
		if n := same[reason]; n <= sameProblems {
			out = append(out, problemLine(p))
		} else if n == sameProblems+1 {
			often = append(often, reason)
		}
	}
	for _, reason := range often {
		out = append(out, fmt.Sprintf("... and %s more of this folder with the same answer (--report FILE names all)", thousands(same[reason]-sameProblems)))
	}
	return out
}

func problemLine(p transfer.Problem) string {
	line := fmt.Sprintf("%s: folder %q uid %d", p.Kind, p.Folder, p.UID)
	if p.Size > 0 {
		line += " (" + sizeText(p.Size) + ")"
	}
	if p.Err != nil {
		line += ": " + firstLine(p.Err)
	}
	return line
}
