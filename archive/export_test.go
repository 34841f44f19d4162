package archive

import "mailferry/archive/disk"

// On returns o with another file system for the messages.
func (o Options) On(fs disk.FS) Options {
	o.fs = fs
	return o
}
