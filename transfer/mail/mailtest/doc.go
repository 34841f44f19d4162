// Package mailtest holds what tests of mail stores and of their users need:
//
//   - [Memory], a complete [mail.Store] in memory. It keeps every octet, can play the
//     weaknesses of real servers, and fails the test of a caller that breaks
//     the contracts of package mail.
//   - [Run], the suite that every store has to pass.
//   - [Plan] with [Faulty] and [FaultySource], which let any call of any store fail.
//   - [Samples], the messages that software tends to damage.
package mailtest
