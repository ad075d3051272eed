//! Operations whose parents are not here yet.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use kith_proto::group::Operation;
use kith_proto::id::OperationId;

/// How many operations wait for others that they follow. More than that are asked for again.
pub const MAX_WAITING: usize = 1_024;

/// Operations whose parents are not here yet, the oldest first out.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) by_id: BTreeMap<OperationId, Operation>,
    order: VecDeque<OperationId>,
    /// What waits for an operation that is not in the log.
    pub(super) for_parent: BTreeMap<OperationId, BTreeSet<OperationId>>,
}

impl Waiting {
    pub(super) fn add(
        &mut self,
        id: OperationId,
        operation: Operation,
        known: impl Fn(&OperationId) -> bool,
    ) {
        while self.by_id.len() >= MAX_WAITING {
            let Some(oldest) = self.order.front().copied() else { break };
            self.remove(&oldest);
        }
        for parent in operation.parents.iter().filter(|parent| !known(parent)) {
            self.for_parent.entry(*parent).or_default().insert(id);
        }
        self.order.push_back(id);
        self.by_id.insert(id, operation);
    }

    pub(super) fn remove(&mut self, id: &OperationId) -> Option<Operation> {
        let operation = self.by_id.remove(id)?;
        self.order.retain(|other| other != id);
        for parent in operation.parents.iter() {
            if let Some(children) = self.for_parent.get_mut(parent) {
                children.remove(id);
                if children.is_empty() {
                    self.for_parent.remove(parent);
                }
            }
        }
        Some(operation)
    }

    pub(super) fn bytes(&self) -> usize {
        let carried = |operation: &Operation| operation.devices().map_or(0, |(_, list)| list.len());
        self.by_id.values().map(|operation| 1_024 + carried(operation)).sum()
    }
}
