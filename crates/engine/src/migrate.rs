//! Changes of the rows between versions: pure functions from rows to writes, numbered, only ever added to.
//!
//! | version | change |
//! |---|---|
//! | 1 | first |
//! | 2 | `mail`: until when each mailbox has promised, not since when it keeps; `mailboxes`: when it was left |
//! | 3 | groups: new tables; `chats` and `history` may hold rows of groups. Older rows of both are read as they are |
//! | 4 | calls: new tables; `chats` and `history` may hold calls |
//! | 5 | `standing`: why a mailbox would not have us; `mailbox_choices`: vouchers. Older rows are read as they are; `strangers`: work |
//! | 6 | `mail`: the secret before. Older rows are read as they are |
//! | 7 | `mail`: the number that was said; `peers`: what somebody has. Older rows of both are read as they are |
//!
//! A table that is added needs no new version if having no rows in it means what was true before: `knocks` and
//! `strangers` (without rows, strangers may knock and nobody has), `found` (nothing is remembered, and fetched again),
//! `closed` (nobody was removed since mailboxes were last told), `address_secret` and `address_secrets` (nobody has a secret; it is told when the device is next there).

use std::ops::Bound;

use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::Table;
use kith_proto::rows::Write;

use crate::rows;
use crate::rows::StrangerRow;

/// The version of the rows that this code reads and writes.
pub const SCHEMA_VERSION: u32 = 7;

/// What a mailbox asks of strangers at the least, in bits (`kith-mailbox`).
const LEAST_WORK_BITS: u8 = 20;

/// The writes that bring rows of version `from` to [`SCHEMA_VERSION`], to be committed together with the new number.
///
/// # Errors
/// A sentence, when the rows are of a version that this code does not know, or cannot be read.
pub fn migrate(from: u32, rows: &dyn Rows) -> Result<Vec<Write>, String> {
    match from {
        // A new folder has no rows.
        0 | SCHEMA_VERSION => Ok(Vec::new()),
        // Only tables were added; rows that got a field are read in both forms (`rows.rs`, `rows/chats.rs`, `rows/nodes.rs`).
        5 | 6 => Ok(Vec::new()),
        2..=4 => rewritten(rows, rows::STRANGERS, stranger),
        1 => {
            let mut writes = rewritten(rows, rows::MAIL, first::mail)?;
            writes.extend(rewritten(rows, rows::MAILBOXES, first::mailbox)?);
            writes.extend(rewritten(rows, rows::STRANGERS, stranger)?);
            Ok(writes)
        }
        newer => Err(format!(
            "this data folder was written by a newer version of Kith (format {newer}): update Kith to open it"
        )),
    }
}

/// Somebody who asked when nobody noted the work: it was no less than every mailbox asks for.
fn stranger(row: &[u8]) -> Option<Vec<u8>> {
    let row = StrangerRow::from_bytes(row).ok()?;
    Some(StrangerRow { work_bits: row.work_bits.max(LEAST_WORK_BITS), ..row }.to_bytes())
}

/// Every row of a table in its new form.
fn rewritten(
    rows: &dyn Rows,
    table: Table,
    new: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<Write>, String> {
    let (mut writes, mut good) = (Vec::new(), true);
    let scanned = rows.scan(table, Bound::Unbounded, Bound::Unbounded, Direction::Up, &mut |key, value| {
        match new(value) {
            Some(value) => {
                writes.push(Write { table: table.name.to_owned(), key: key.to_vec(), value: Some(value) });
            }
            None => good = false,
        }
        good
    });
    match scanned {
        Ok(()) if good => Ok(writes),
        Ok(()) => Err(format!("the table “{}” holds a row that cannot be read", table.name)),
        Err(error) => Err(error.to_string()),
    }
}

/// Rows as version 1 wrote them.
mod first {
    use kith_proto::address::Multiaddress;
    use kith_proto::bounded::BoundedVec;
    use kith_proto::codec::Decode;
    use kith_proto::codec::Encode as _;
    use kith_proto::codec::Reader;
    use kith_proto::error::DecodeError;
    use kith_proto::id::DeviceId;
    use kith_proto::payload::MAX_PLACES;
    use kith_proto::time::Span;
    use kith_proto::time::Timestamp;

    use crate::rows::MailRow;
    use crate::rows::MailboxRow;
    use crate::rows::Progress;

    /// What every mailbox was asked for.
    const KEPT_FOR: Span = Span::from_days(14);

    struct OldProgress(Progress);

    impl Decode for OldProgress {
        fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
            old_version(reader)?;
            let (mailbox, upto) = <(DeviceId, u64)>::decode(reader)?;
            let since = Timestamp::decode(reader)?;
            Ok(Self(Progress { mailbox, upto, until: since + KEPT_FOR }))
        }
    }

    struct OldMail(MailRow);

    impl Decode for OldMail {
        fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
            old_version(reader)?;
            let (mine, told, theirs) =
                (Decode::decode(reader)?, Decode::decode(reader)?, Decode::decode(reader)?);
            let progress: BoundedVec<OldProgress, MAX_PLACES> = Decode::decode(reader)?;
            Ok(Self(MailRow {
                mine,
                told,
                theirs,
                progress: BoundedVec::truncated(progress.into_inner().into_iter().map(|old| old.0).collect()),
                stored: Decode::decode(reader)?,
                receipt_told: Decode::decode(reader)?,
                read_told: Decode::decode(reader)?,
                former: None,
                said: 0,
            }))
        }
    }

    struct OldMailbox(MailboxRow);

    impl Decode for OldMailbox {
        fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
            old_version(reader)?;
            let (address, since) = <(Multiaddress, Timestamp)>::decode(reader)?;
            Ok(Self(MailboxRow { address, since, left: Timestamp(0) }))
        }
    }

    fn old_version(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        if u8::decode(reader)? == 1 { Ok(()) } else { Err(DecodeError::Invalid { what: "row version" }) }
    }

    pub(super) fn mail(row: &[u8]) -> Option<Vec<u8>> {
        OldMail::from_bytes(row).ok().map(|old| old.0.to_bytes())
    }

    pub(super) fn mailbox(row: &[u8]) -> Option<Vec<u8>> {
        OldMailbox::from_bytes(row).ok().map(|old| old.0.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use kith_proto::address::Multiaddress;
    use kith_proto::codec::Decode as _;
    use kith_proto::codec::Encode as _;
    use kith_proto::id::DeviceId;
    use kith_proto::time::Span;
    use kith_proto::time::Timestamp;

    use super::*;
    use crate::rows::ChoiceRow;
    use crate::rows::KnocksRow;
    use crate::rows::MailRow;
    use crate::rows::MailboxRow;
    use crate::rows::StandingRow;
    use crate::rows::StrangerRow;
    use crate::rows::Voucher;

    /// A row of `mail` as version 1 wrote it: a secret, what was told, no list, one mailbox, and three positions.
    fn old_mail() -> Vec<u8> {
        let mut row = vec![1, 1];
        row.extend([7; 32]);
        row.extend(5_u64.to_le_bytes());
        row.extend([0, 1, 1]);
        row.extend([3; 32]);
        for number in [40_u64, 1_800_000_000_000, 41, 42, 43] {
            row.extend(number.to_le_bytes());
        }
        row
    }

    #[test]
    fn rows_about_strangers_have_the_bytes_that_were_published() {
        let (since, no, yes) =
            (Timestamp(77), [1, 0, 77, 0, 0, 0, 0, 0, 0, 0], [1, 1, 77, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(KnocksRow { allowed: false, since }.to_bytes(), no);
        let new = [2, 1, 77, 0, 0, 0, 0, 0, 0, 0, 23];
        assert_eq!(StrangerRow { turned_away: true, since, work_bits: 23 }.to_bytes(), new);
        assert!(StrangerRow::from_bytes(&new).is_ok_and(|row| row.work_bits == 23));
        assert!(KnocksRow::from_bytes(&yes).is_ok_and(|row| row.allowed));
        assert!(StrangerRow::from_bytes(&yes).is_ok_and(|row| row.turned_away && row.work_bits == 0));
        assert!(StrangerRow::from_bytes(&no).is_ok_and(|row| !row.turned_away));
        for wrong in [[2, 0, 77, 0, 0, 0, 0, 0, 0, 0], [1, 2, 77, 0, 0, 0, 0, 0, 0, 0]] {
            assert!(KnocksRow::from_bytes(&wrong).is_err() && StrangerRow::from_bytes(&wrong).is_err());
        }
        assert!(
            KnocksRow::default().allowed,
            "a folder without the row is one from before there were knocks"
        );
    }

    #[test]
    fn rows_about_nodes_from_before_there_were_reasons_are_read() {
        let node = [vec![1, 9], [77_u64, 78, 0, 79].map(u64::to_le_bytes).concat()].concat();
        let rest = [5_u32.to_le_bytes().to_vec(), 6_u64.to_le_bytes().to_vec(), vec![0]].concat();
        let body = [node, rest].concat();
        let old = StandingRow::from_bytes(&[vec![1], body.clone()].concat()).unwrap();
        assert_eq!((old.worked, old.refused_until, old.refusal), (Timestamp(78), Timestamp(79), 0));
        let new = [vec![2], body, vec![3]].concat();
        assert_eq!(StandingRow { refusal: 3, ..old }.to_bytes(), new);
        assert!(StandingRow::from_bytes(&new).is_ok_and(|row| row.refusal == 3));
        assert!(StandingRow::from_bytes(&new[..new.len() - 1]).is_err(), "cut off");
        let choice = ChoiceRow::from_bytes(&[1, 1, 1, 9, 77, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        assert!(choice.wanted.is_some() && choice.voucher.is_none());
        let given = ChoiceRow { voucher: Voucher::new(b"word".to_vec()), ..choice };
        let bytes = [&[2, 1, 1, 9, 77, 0, 0, 0, 0, 0, 0, 0, 1, 4], b"word".as_slice()].concat();
        assert_eq!(given.to_bytes(), bytes);
        assert!(ChoiceRow::from_bytes(&bytes).is_ok_and(|row| row.voucher == given.voucher));
    }

    #[test]
    fn rows_of_the_first_version_are_read() {
        let row = MailRow::from_bytes(&first::mail(&old_mail()).unwrap()).unwrap();
        let [kept] = &*row.progress else { panic!("one mailbox") };
        assert_eq!((kept.mailbox, kept.upto), (DeviceId([3; 32]), 40));
        assert_eq!(kept.until, Timestamp(1_800_000_000_000) + Span::from_days(14));
        assert_eq!((row.told, row.stored, row.receipt_told, row.read_told), (5, 41, 42, 43));

        let address = Multiaddress::new(vec![9]).unwrap();
        let old = [vec![1], address.to_bytes(), 77_u64.to_le_bytes().to_vec()].concat();
        let row = MailboxRow::from_bytes(&first::mailbox(&old).unwrap()).unwrap();
        assert!(row == MailboxRow { address, since: Timestamp(77), left: Timestamp(0) });
        assert!(
            first::mailbox(&row.to_bytes()).is_none(),
            "a row of another version is not taken for one of this"
        );
    }
}
