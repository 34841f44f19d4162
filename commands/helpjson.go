package commands

// jsonTopic documents what programs may rely on.
const jsonTopic = `JSON

With --json every line on stdout is one JSON object. Its "type" says what it is. Types and fields
may be added, and never change or go away; pass over what you do not know. When a command fails, the
last line is of the type error. With --quiet the lines of the type status are left out.

   start          command, source, destination, dry_run, folders, messages
   status         every 10 s: seconds, messages, messages_done, copied, bytes, bytes_per_second,
                  seconds_left (when known)
   folder         folder, destination, created, error (when it could not be finished), and the counts
   message_error  kind (failed, in_doubt, flags), folder, destination, uid, bytes, error
   retry          folder, attempt, wait_seconds, error
   throttle       like retry, when the server asked for the wait
   summary        last of a command that went to its end; complete (true or false) and
                  migrate: verdict, run, dry_run, started, seconds, folders, folders_failed,
                           folders_filtered, retries, and the counts
                  compare: verdict, folders, messages_a, messages_b, same, differences, bodies
                           backup and restore: like migrate; with an archive at an end also
                           archive_run (number), gone, suspect, suspect_in_all (also of earlier runs),
                           gone_left_out (messages)
                  verify:  verdict, messages, bytes, damaged, unproven, repaired (of damaged), not_repaired,
                           replaced and confirmed (of unproven); with SOURCE what compare has
                  list:    store, folders, messages, unread, bytes
                  check:   stores, failed
   mailbox        of list: name, role, subscribed, selectable, exists, messages, unread, bytes, uidvalidity
   run            of list, of an archive: run (number), started, ended (unless it was killed), source, complete
                  (it saw the whole account), new, flags_changed, gone, suspect
   damage         of verify: kind (changed, rewritten, cut, missing, swapped, added, unreadable, catalogue), folder, uid,
                  file, holds (swapped: where the message belongs), detail
   repair         of verify --repair and --bodies: folder, uid, file, repaired (true or false), replaced (true: its hash
                  was unproven and the source has other octets), error (when it was not repaired)
   capability     of check: store, name, value, means
   difference     of compare and verify: kind (missing, extra, flags, date, body, missing_folder, extra_folder),
                  folder, uid, bytes, detail
   error          code (the exit code), name (see mailferry help exit-codes), message, hint

The counts of folder and summary:

   found = copied + already_there + left_out + failed + pending
   left_out_reasons   max_size, since, before, deleted_at_destination, gone_meanwhile: number
   adopted            of already_there: recognised in this run
   in_doubt           of copied: perhaps there before
   flags_changed, flags_dropped, deleted, bytes

pending is not 0 only when a run or a folder stopped early. In a dry run copied and bytes are what would
be copied. Levels of a folder's name are separated by "/". A name that is not UTF-8 comes a second time, exactly, as
folder_b64, destination_b64 or name_b64 (base64). Numbers that a server does not tell are left out.
`
