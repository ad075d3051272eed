//! The questions before something that cannot be undone.

use crate::action::groups::Doubt;
use crate::action::groups::Step;
use crate::model::groups::Groups;
use crate::model::groups::words;
use crate::say;

/// The question, what follows, and the word on the button.
pub fn doubt(doubt: &Doubt, groups: &Groups) -> (String, String, String) {
    let name = groups.get(&doubt.group).map(words::title).unwrap_or_default();
    match &doubt.what {
        Step::Remove(who) => {
            let who = groups.told_name(who);
            let question = say!("doubt-remove", who = who.as_str(), name = name);
            (question, say!("doubt-remove-follows", who = who), say!("remove"))
        }
        Step::Ban(who) => {
            let who = groups.told_name(who);
            let question = say!("doubt-ban", who = who.as_str(), name = name);
            (question, say!("doubt-ban-follows", who = who), say!("doubt-ban-do"))
        }
        Step::MakeOwner(who) => {
            let who = groups.told_name(who);
            let question = say!("doubt-owner", who = who.as_str(), name = name);
            (question, say!("doubt-owner-follows", who = who), say!("doubt-owner-do"))
        }
        Step::StepDown { to, .. } => {
            let question = say!("doubt-step-down", role = words::role_word(*to));
            (question, say!("doubt-step-down-follows"), say!("step-down"))
        }
        Step::RevokeLink(_) => (say!("doubt-revoke"), say!("doubt-revoke-follows"), say!("doubt-revoke-do")),
        Step::Delete(_) => (say!("doubt-delete"), say!("doubt-delete-follows"), say!("doubt-delete-do")),
        Step::TakeOut(_) => {
            (say!("doubt-take-out"), say!("doubt-take-out-follows"), say!("doubt-take-out-do"))
        }
        Step::Leave => {
            (say!("doubt-leave", name = name), say!("doubt-leave-follows"), say!("doubt-leave-do"))
        }
        Step::Forget => {
            (say!("doubt-forget", name = name), say!("doubt-forget-follows"), say!("doubt-forget-do"))
        }
    }
}
