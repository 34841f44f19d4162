// Package disk is the little of a file system that archives need, so that tests
// can put one in its place that forgets whatever was not made durable.
package disk
