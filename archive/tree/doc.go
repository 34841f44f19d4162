// Package tree names the folders of an archive as files in a tree of directories:
// Archive/2024 is the file Archive/2024.mbox. Names are UTF-8 as they are, where a file
// system can have them; %XX stands for an octet that cannot be there: "%", "/", controls,
// octets that are no UTF-8, "." or "~" at the start, and the "." of a final ".mbox". An empty
// component is "%00". A component that would be too long is cut and ends in "%~" and a hash; the file
// of that name and ".name" beside it holds all of it.
package tree
