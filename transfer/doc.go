// Package transfer copies messages, flags and folders from a [mail.Source] to a
// [mail.Store], once each, and proves it.
//
// # The algorithm
//
//	list the folders of both ends; filter, map and pair them; check recorded pairs
//	make what the destination lacks; carry subscriptions over (the source is asked
//	for the mail of the first new folders meanwhile: they are worked on first and at
//	once, so that none holds a session while others wait for it)
//	if an earlier run may still be sending: wait until the destination stands still
//	for each pair that is not finished (a few destination folders at a time; empty ones that are
//	only appended to, and those of which both listings tell that nothing but the source has
//	changed, share sessions and come first, and one that needs more comes later):
//	    open a Writer and a Reader (the Reader alone where nothing but the source has changed: the
//	    Writer when there is something to write, if the folder is then still as recorded);
//	    void what another UIDVALIDITY has made void
//	    settle:  open intents?  match what arrived from the intent's UIDNEXT on;
//	             record it; drop the intents
//	    plan:    the source tells changes since a run that left nothing over, and nothing
//	             came or went at the destination: look at these alone. Otherwise
//	             merge the source's listing with the ledger's records, both
//	             sorted by UID: copy, reflag, keep, gone; flags go over on the way, the
//	             last while the source is read again or left:
//	             base = source's flags at the last run; add source-base, remove base-source
//	    adopt:   match what is to be copied with what the destination holds and no
//	             record names: all of it the first time, what is new there later
//	    copy:    intent (the next 1,000; the one after it is committed meanwhile) ->
//	             fetch in UID order -> append -> record (in the background; the last
//	             records go with whatever is committed next)
//	record both ends' Status, and whether nothing is left over, of all pairs at once (the destination's is
//	that of the opening and what was added, if that has got every UID from there on, or is listed)
//	mirror: expunge what this ledger appended and the source no longer has
//
// # Why no message is lost
//
// A message is recorded only after Append's done said durable, or after it was
// found at the destination. Every UID that was asked for and did not come is asked
// for once more by a listing of its own: absent, it is "gone meanwhile"; present, it is
// fetched again and then failed. A Reader reports a body that is shorter than its
// size. Everything listed is counted as copied, already there, left out or failed,
// and the sum is checked. UIDs that a listing does not mention count as gone only
// if the listing was complete.
//
// # Why no message is doubled
//
// Before a message is sent, the intent (which source UIDs, and a UID below which
// they cannot land) is durable. It is settled only when the fate of everything sent under
// it is recorded, and never after a commit that failed. A crash leaves either no intent (nothing was sent), or an
// intent (something may have been sent: it is looked for before anything is sent
// again), or a record (it is there). Recording and settling are one commit.
//
// An archive keeps the origin of each message in the same commit as the message. There is no
// intent then: whatever came since the last run that recorded its Status, and is in no record, is
// looked up by origin (adopt) before anything is sent. An origin is believed where date and size of the source's message are
// the archive's: a server that was restored from its backup gives UIDs away a second time.
//
// What an archive has marked as gone it still has: when the source lists it again it is made current, and not copied. Where
// the records of a folder were lost or void, what the archive has of that folder and nobody claims when all is copied is gone,
// unless something of that UID failed.
//
//	crash                                   the next run finds          and does
//	before the intent is durable            nothing                     copies
//	intent durable, nothing sent            intent, no match            copies
//	sent, effect unknown                    intent, match or none       records or copies
//	sent, server still working on it        intent, UIDNEXT moving      waits, then as above
//	answered, not recorded                  intent, match               records
//	recorded, intent settled (one commit)   record                      nothing
//	some of the intent's answered           intent, some match          records these, copies the rest
//	an archive took it, not recorded        origin at a new UID         records
//	ledger lost at any of these             pair not adopted            waits, adopts, copies the rest
//	UIDVALIDITY changed                     other validity in the pair  voids, adopts, copies the rest
//	expunged (mirror), not recorded         record, source UID gone     expunges again: no effect
//	marks taken back, not recorded          record, listed at both      nothing
//	flags set, base not recorded            old base                    sets them again: no effect (one that the
//	                                                                    source has taken back since stays)
//
// The same holds within a run: a lost connection closes both handles, and the
// folder starts over from its ledger.
//
// # Matching
//
// See match.go. Messages are multisets: two equal ones stay two. A destination
// message is matched at most once, and never when a record of any pair names it.
// Where neither ledger nor octets decide, the message is copied and named as in doubt.
package transfer
