//! Calls that are over, and how calls are made.

use std::ops::Bound;

use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::time::Timestamp;

use super::QueryError;
use super::States;
use super::all;
use super::get;
use super::own_account;
use super::state_in;
use super::view;
use crate::rows;
use crate::rows::ChatRow;
use crate::rows::HistoryRow;
use crate::rows::calls::CALL_CONTACTS;
use crate::rows::calls::CALL_LOG;
use crate::rows::calls::CALL_SETTINGS;
use crate::rows::calls::CallContactRow;
use crate::rows::calls::CallSettingsRow;
use crate::rows::calls::log_key;
use crate::rows::groups::Entry;
use crate::view::CallSettings;
use crate::view::HideAddress;
use crate::view::MessageView;

/// Calls that are over, in all chats, the newest first: the `limit` before one that began then, or the last ones.
///
/// # Errors
/// When the rows cannot be read.
pub fn calls(
    rows: &dyn Rows,
    before: Option<(Timestamp, CallId)>,
    limit: usize,
) -> Result<Vec<MessageView>, QueryError> {
    let mut end = before.map(|(begun, call)| log_key(begun, &call));
    let own = own_account(rows)?;
    let mut found = Vec::new();
    // Those of chats that were removed are stepped over, so it is not known how many have to be looked at.
    loop {
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut batch: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        rows.scan(CALL_LOG, Bound::Unbounded, to, Direction::Down, &mut |key, place| {
            batch.push((key.to_vec(), place.to_vec()));
            batch.len() < BATCH
        })?;
        for (_, place) in &batch {
            if found.len() >= limit {
                return Ok(found);
            }
            let Some((chat, index)) = rows::split_key::<16>(place) else { continue };
            let chat = ChatId(chat);
            let row = get::<HistoryRow>(rows, rows::HISTORY, place)?;
            let Some(row) = row.filter(|row| matches!(row.entry, Entry::Call(_))) else { continue };
            let Some(chat_row) = get::<ChatRow>(rows, rows::CHATS, &chat.0)? else { continue };
            let mut states = States::new(rows, state_in(rows, &chat_row.with)?);
            found.push(view(&mut states, &own, chat, &chat_row, index, &row)?);
        }
        match batch.pop() {
            Some((last, _)) if batch.len() + 1 == BATCH => end = Some(last),
            _ => return Ok(found),
        }
    }
}

/// A page and some: the log of years is not copied for one.
const BATCH: usize = 128;

/// How calls are made on this device.
///
/// # Errors
/// When the rows cannot be read.
pub fn call_settings(rows: &dyn Rows) -> Result<CallSettings, QueryError> {
    let row = get::<CallSettingsRow>(rows, CALL_SETTINGS, rows::SELF)?;
    let hide_address = row.map_or(HideAddress::default(), |row| row.hide_address());
    let contacts: Vec<(AccountId, CallContactRow)> = all(rows, CALL_CONTACTS)?;
    Ok(CallSettings {
        hide_address,
        contacts: contacts.into_iter().map(|(who, row)| (who, row.hidden)).collect(),
    })
}
