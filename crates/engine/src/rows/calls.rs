//! The rows of calls. What is over is a line of its chat (`history`); here is what leads there.
//!
//! | table | key | value |
//! |---|---|---|
//! | `call_now` | `self` | [`CallNowRow`]: the call that this device is in |
//! | `call_log` | time u64, call | chat, index: where a call that is over stands |
//! | `call_settings` | `self` | [`CallSettingsRow`]; without it, what is the default |
//! | `call_contacts` | account | [`CallContactRow`]: what was decided for somebody |

use kith_proto::call::media::MediaFailure;
use kith_proto::id::CallId;

use super::*;
use crate::view::CallEnd;
use crate::view::CallLine;
use crate::view::HideAddress;

pub(crate) const CALL_NOW: Table = Table::plain("call_now");
pub(crate) const CALL_LOG: Table = Table::plain("call_log");
pub(crate) const CALL_SETTINGS: Table = Table::plain("call_settings");
pub(crate) const CALL_CONTACTS: Table = Table::plain("call_contacts");

row!(
    /// The call that this device is in: whoever starts after a crash finds it, and says how it ended.
    CallNowRow {
        /// Which.
        call: CallId,
        /// With whom.
        contact: ContactId,
        /// Whether it began here.
        outgoing: bool,
        /// Whether there is something to see.
        video: bool,
        /// When it began.
        begun: Timestamp,
        /// Since when both heard each other.
        talking_since: Option<Timestamp>,
        /// When it was last known to go on.
        seen: Timestamp,
    }
);

row!(
    /// How calls are made on this device.
    CallSettingsRow {
        /// From whom the own address is hidden, by [`CallSettingsRow::hide_address`].
        hidden: u8,
    }
);

row!(
    /// What was decided about calls with somebody.
    CallContactRow {
        /// Whether the own address is hidden from them.
        hidden: bool,
    }
);

row!(
    /// A call that is over, in its chat.
    CallEntry {
        /// Which.
        call: CallId,
        /// Whether there was something to see.
        video: bool,
        /// How it ended, by [`CallEntry::line`].
        end: u8,
        /// For how long both heard each other.
        talked: Span,
    }
);

impl CallSettingsRow {
    /// The row that says this.
    pub(crate) fn new(hide: HideAddress) -> Self {
        let hidden = match hide {
            HideAddress::Nobody => 0,
            HideAddress::Unverified => 1,
            HideAddress::Everybody => 2,
        };
        Self { hidden }
    }

    /// From whom the own address is hidden. An unknown number from a newer version hides it from everybody.
    pub(crate) fn hide_address(&self) -> HideAddress {
        match self.hidden {
            0 => HideAddress::Nobody,
            1 => HideAddress::Unverified,
            _ => HideAddress::Everybody,
        }
    }
}

/// The numbers of ends; they never change.
const ENDS: &[(u8, CallEnd)] = &[
    (1, CallEnd::Finished),
    (2, CallEnd::Declined),
    (3, CallEnd::Busy),
    (4, CallEnd::NoAnswer),
    (5, CallEnd::Unreachable),
    (6, CallEnd::Cancelled),
    (7, CallEnd::Missed),
    (8, CallEnd::AnsweredElsewhere),
    (9, CallEnd::DeclinedElsewhere),
    (10, CallEnd::Unsupported),
    (11, CallEnd::NoConnection),
    (12, CallEnd::Lost),
    (13, CallEnd::Interrupted),
    (14, CallEnd::Replaced),
    (32, CallEnd::Device(MediaFailure::NoMicrophone)),
    (33, CallEnd::Device(MediaFailure::NoRelay)),
    (34, CallEnd::Device(MediaFailure::NoAgreement)),
    (35, CallEnd::Device(MediaFailure::Broken)),
];

impl CallEntry {
    /// The row of a line.
    pub(crate) fn new(line: &CallLine) -> Self {
        let end = ENDS.iter().find(|(_, end)| *end == line.end).map_or(0, |(number, _)| *number);
        Self { call: line.call, video: line.video, end, talked: line.talked }
    }

    /// The line. An unknown number from a newer version counts as an end like any other.
    pub(crate) fn line(&self) -> CallLine {
        let end =
            ENDS.iter().find(|(number, _)| *number == self.end).map_or(CallEnd::Finished, |(_, end)| *end);
        CallLine { call: self.call, video: self.video, end, talked: self.talked }
    }
}

/// The key of a call in the log: the last one is the newest.
pub(crate) fn log_key(begun: Timestamp, call: &CallId) -> Vec<u8> {
    [begun.0.to_be_bytes().as_slice(), &call.0].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_calls_have_the_bytes_that_were_published() {
        let line = CallLine { call: CallId([7; 16]), video: true, end: CallEnd::Missed, talked: Span(5) };
        let row = CallEntry::new(&line).to_bytes();
        assert_eq!(row, [[1].as_slice(), &[7; 16], &[1, 7, 5, 0, 0, 0, 0, 0, 0, 0]].concat());
        assert_eq!(CallEntry::from_bytes(&row).unwrap().line(), line);
        let now = CallNowRow {
            call: CallId([7; 16]),
            contact: AccountId([8; 32]),
            outgoing: true,
            video: false,
            begun: Timestamp(1),
            talking_since: Some(Timestamp(2)),
            seen: Timestamp(3),
        };
        let bytes = [
            [1].as_slice(),
            &[7; 16],
            &[8; 32],
            &[1, 0],
            &1_u64.to_le_bytes(),
            &[1],
            &2_u64.to_le_bytes(),
            &3_u64.to_le_bytes(),
        ]
        .concat();
        assert!(now.to_bytes() == bytes && CallNowRow::from_bytes(&bytes).unwrap() == now);
        assert_eq!(CallSettingsRow::new(HideAddress::Unverified).to_bytes(), [1, 1]);
        assert_eq!(CallContactRow { hidden: true }.to_bytes(), [1, 1]);
    }

    #[test]
    fn every_end_has_a_number_of_its_own() {
        for (number, end) in ENDS {
            let line = CallLine { call: CallId([7; 16]), video: false, end: *end, talked: Span(0) };
            assert_eq!((CallEntry::new(&line).end, CallEntry::new(&line).line().end), (*number, *end));
        }
    }
}
