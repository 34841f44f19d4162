// Package other reads what other programs have written, as a mail.Source: a Maildir, alone or
// with folders beside it (Maildir++, as Dovecot and Courier have it) or below it (a tree of
// directories, as mbsync and Dovecot's LAYOUT=fs have it), a single mbox, and a tree of mbox files
// (Thunderbird, Google Takeout, mutt, Dovecot). It never writes. Archives of ours below a directory are passed over.
//
// # Maildir
//
// Every regular file in cur/ and new/, or link to one, whose name begins with no dot is a message. Its octets
// are those of the file with CR before each LF that has none, which is what IMAP servers make of it;
// sizes in names (S=, W=) are not believed. INTERNALDATE is the file's mtime. Flags are the letters D F P R
// S T behind ":2,", ";2," or "!2," (P is the keyword $Forwarded); small letters are keywords of
// dovecot-keywords, and keywords of Courier are found in courierimapkeywords. A message in new/ has none.
// Messages stand in the order of dovecot-uidlist where there is one, then of the time and the
// number behind "M" in their names, which is the order in which servers number them.
//
// # mbox
//
// See package foreign, which reads the files. In a tree, a file of another kind is passed over; one that is damaged or
// cannot be read may be mail, and is a folder that cannot be opened.
//
// # What it was tried with
//
//	kind                                    test, and the file it reads
//	Maildir++, dovecot-keywords, mutf-7     TestMaildirs, made there; against Dovecot: TestDovecotServesTheSame;
//	                                        against Python: TestPythonSeesTheSameMaildir
//	trees (mbsync, LAYOUT=fs), UTF-8 names  TestMaildirs; LAYOUT=fs against Dovecot: TestDovecotServesTheSame
//	Maildirs below Maildirs, links          TestMaildirs
//	Courier's keywords                      TestMaildirs
//	dovecot-uidlist                         TestMaildirs; as Dovecot writes it: TestDovecotServesTheSame
//	";2,", "!2,", unknown letters           TestMaildirs
//	mail delivered, renamed, removed        TestALiveMaildir, TestAMaildirThatDoesNotRest, TestAMessageThatIsWrittenAgain
//	Thunderbird (.sbd, .msf), Google        TestMboxTrees, and in ../mbox/testdata thunderbird.mbox, takeout.mbox
//	mboxo, mboxrd, mboxcl, mboxcl2, CRLF,   ../mbox/testdata, one file for each; against Python:
//	mutt, Pine, Dovecot, odd From_ lines    TestPythonReadsTheSame in ../mbox/foreign
//	gzip, a single file                     TestMboxTrees
//	damaged or unreadable files of a tree   TestWhatCannotBeReadIsAFolder
//	an archive of ours in a tree            TestAnArchiveInATreeIsNoPartOfIt
//	a file to which mail is delivered       TestALiveMbox, TestAFileToWhichMailIsDelivered, TestALockedFileIsWaitedFor
//	an mbox that is rewritten               TestAnMboxWithOtherOctetsInTheSamePlaces
//	an archive's mbox, damaged or edited    TestADamagedMessageIsWithheld, TestAMessageOfOursThatMuttHasEdited
//
// # UIDs
//
// They count from 1 and hold for one session, so UIDVALIDITY is 0 (see mail.Status). Mail that is delivered
// while a folder is open is seen the next time; a message that is renamed meanwhile, because its flags
// change, is found again by its base name. One that is not what it was gives an error that is worth
// trying again soon, and never other octets or a part of them. A message that is there and cannot be read
// is listed and withheld (see mail.Withholder).
package other
