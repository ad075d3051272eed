//! Groups from their rows.

use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::rows::Rows;

use super::QueryError;
use super::all;
use super::get;
use super::names;
use super::profile;
use crate::groups::loading;
use crate::groups::view as group_view;
use crate::rows;
use crate::rows::groups::AskingRow;
use crate::rows::groups::GroupRow;
use crate::view::GroupView;

/// All groups that this account is in, was in, or asks to come into.
///
/// # Errors
/// When the rows cannot be read.
pub fn groups(rows: &dyn Rows) -> Result<Vec<GroupView>, QueryError> {
    let found: Vec<(GroupId, GroupRow)> = all(rows, rows::groups::GROUPS)?;
    let mut views = Vec::new();
    for (group, row) in &found {
        views.push(group_of_row(rows, group, row)?);
    }
    let asking: Vec<(GroupId, AskingRow)> = all(rows, rows::groups::GROUP_ASKING)?;
    let asking = asking.iter().filter(|(group, _)| !found.iter().any(|(known, _)| known == group));
    views.extend(asking.map(|(group, row)| group_view::asking(group, row)));
    Ok(views)
}

/// One group.
///
/// # Errors
/// When the rows cannot be read.
pub fn group(rows: &dyn Rows, group: &GroupId) -> Result<Option<GroupView>, QueryError> {
    if let Some(row) = get::<GroupRow>(rows, rows::groups::GROUPS, &group.0)? {
        return group_of_row(rows, group, &row).map(Some);
    }
    let asking = get::<AskingRow>(rows, rows::groups::GROUP_ASKING, &group.0)?;
    Ok(asking.map(|row| group_view::asking(group, &row)))
}

fn group_of_row(rows: &dyn Rows, group: &GroupId, row: &GroupRow) -> Result<GroupView, QueryError> {
    let mut log = loading::log(rows, group)?;
    let (requests, reports) = (loading::requests(rows, group)?, loading::reports(rows, group)?);
    let accounts: Vec<AccountId> = log.roster().members.keys().copied().collect();
    let mut names = names(rows, &accounts)?;
    let own = profile(rows)?;
    if let Some(own) = &own {
        names.insert(own.account, own.name.clone());
    }
    let is_own = |account: &AccountId| own.as_ref().is_some_and(|own| own.account == *account);
    let person = |account: &AccountId| (names.get(account).cloned().unwrap_or_default(), is_own(account));
    Ok(group_view::whole(&mut log, row, (&requests, &reports), person))
}
