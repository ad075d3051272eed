//! The groups from their rows, at every start.

use std::collections::BTreeMap;

use kith_crypto::group::ChainShare;
use kith_crypto::group::ReceivingChain;
use kith_proto::codec::Decode;
use kith_proto::group::Operation;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Table;

use super::Log;
use super::floors::Floors;
use super::history::History;
use super::history::rows::scan_group;
use super::lines;
use super::passing::Passing;
use super::state::Group;
use super::state::Groups;
use crate::restore::RestoreError;
use crate::rows::groups as rows;
use crate::rows::groups::FloorsRow;
use crate::rows::groups::GroupRow;
use crate::rows::groups::ReportRow;
use crate::rows::groups::RequestRow;
use crate::rows::groups::ShareRow;

/// Everything that is kept of groups.
pub(crate) fn load(rows: &dyn Rows, own: &DeviceId, direct_members: usize) -> Result<Groups, RestoreError> {
    let mut groups = Groups::default();
    for (key, value) in all(rows, rows::GROUPS)? {
        let id = GroupId::from_bytes(&key).map_err(|_| damaged(rows::GROUPS))?;
        let row = GroupRow::from_bytes(&value).map_err(|_| damaged(rows::GROUPS))?;
        let mut group = group(rows, &id, row, direct_members)?;
        group.rearrange(own);
        groups.by_id.insert(id, group);
    }
    for (key, value) in all(rows, rows::GROUP_ASKING)? {
        let id = GroupId::from_bytes(&key).map_err(|_| damaged(rows::GROUP_ASKING))?;
        groups.asking.insert(id, decoded(rows::GROUP_ASKING, &value)?);
    }
    Ok(groups)
}

/// The log of a group from its rows, which were checked when they were written.
pub(crate) fn log(rows: &dyn Rows, id: &GroupId) -> Result<Log, RestoreError> {
    let mut operations = Vec::new();
    for (_, value) in scan_group(rows, rows::GROUP_OPERATIONS, id)? {
        operations.push(decoded::<Operation>(rows::GROUP_OPERATIONS, &value)?);
    }
    Log::restore(operations).map_err(|_| damaged(rows::GROUP_OPERATIONS))
}

/// Who asks to come into a group.
pub(crate) fn requests(
    rows: &dyn Rows,
    id: &GroupId,
) -> Result<BTreeMap<AccountId, RequestRow>, RestoreError> {
    parts(rows, rows::GROUP_REQUESTS, id, |key| AccountId::from_bytes(key).ok())
}

/// What was reported to us.
pub(crate) fn reports(
    rows: &dyn Rows,
    id: &GroupId,
) -> Result<BTreeMap<(AccountId, MessageId), ReportRow>, RestoreError> {
    parts(rows, rows::GROUP_REPORTS, id, |key| <(AccountId, MessageId)>::from_bytes(key).ok())
}

fn group(rows: &dyn Rows, id: &GroupId, row: GroupRow, direct_members: usize) -> Result<Group, RestoreError> {
    let mut group = Group::new(row, log(rows, id)?, History::load(*id, rows)?, direct_members);
    for (key, value) in scan_group(rows, rows::GROUP_CHAINS, id)? {
        let device = key.get(32..64).and_then(|device| DeviceId::from_bytes(device).ok());
        let chain = ReceivingChain::from_bytes(&value).ok();
        let (device, chain) = device.zip(chain).ok_or(damaged(rows::GROUP_CHAINS))?;
        group.incoming.entry(device).or_default().push(chain);
    }
    for (key, value) in scan_group(rows, rows::GROUP_SHARES, id)? {
        let name = key.get(32..).and_then(|name| <(DeviceId, [u8; 16])>::from_bytes(name).ok());
        let row: ShareRow = decoded(rows::GROUP_SHARES, &value)?;
        let share = ChainShare::from_bytes(&row.share).ok();
        let (name, share) = name.zip(share).ok_or(damaged(rows::GROUP_SHARES))?;
        let (heads, hearsay) = (row.heads.into_inner(), row.hearsay);
        group.mesh.passing.insert(name, Passing { share, heads, hearsay });
    }
    group.reads = parts(rows, rows::GROUP_READS, id, |key| DeviceId::from_bytes(key).ok())?;
    group.requests = requests(rows, id)?;
    group.reports = reports(rows, id)?;
    group.deleted = parts(rows, rows::GROUP_DELETIONS, id, |key| MessageId::from_bytes(key).ok())?;
    let floors: BTreeMap<AccountId, FloorsRow> =
        parts(rows, rows::GROUP_FLOORS, id, |key| AccountId::from_bytes(key).ok())?;
    group.floors = Floors::of(floors);
    group.refresh();
    group.lines = lines::wanted(&mut group);
    Ok(group)
}

/// The rows of a group about somebody each.
fn parts<K: Ord, V: Decode>(
    rows: &dyn Rows,
    table: Table,
    id: &GroupId,
    whose: impl Fn(&[u8]) -> Option<K>,
) -> Result<BTreeMap<K, V>, RestoreError> {
    let mut found = BTreeMap::new();
    for (key, value) in scan_group(rows, table, id)? {
        let whose = key.get(32..).and_then(&whose).ok_or(damaged(table))?;
        found.insert(whose, decoded(table, &value)?);
    }
    Ok(found)
}

/// A row's key and value.
type Row = (Vec<u8>, Vec<u8>);

fn all(rows: &dyn Rows, table: Table) -> Result<Vec<Row>, RowsError> {
    let mut found = Vec::new();
    let (from, to) = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    rows.scan(table, from, to, Direction::Up, &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        true
    })?;
    Ok(found)
}

fn decoded<T: Decode>(table: Table, bytes: &[u8]) -> Result<T, RestoreError> {
    T::from_bytes(bytes).map_err(|_| damaged(table))
}

fn damaged(table: Table) -> RestoreError {
    RestoreError::Damaged(table.name)
}
