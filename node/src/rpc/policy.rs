//! The rules of a group as JSON, and changes to them.

use kith_proto::group::History;
use kith_proto::group::MAX_SLOW_MODE_SECS;
use kith_proto::group::Policy;
use serde_json::Value;
use serde_json::json;

use crate::lines::role_from_word;
use crate::lines::role_word;
use crate::rpc::errors::RpcError;
use crate::rpc::methods::Params;

/// What a role is called.
pub(crate) const ROLES: &str = "observer, member, moderator, admin or owner";

/// Rules as they are after `changes`. A word that is not known is told: a typing error must not leave a group open.
pub(crate) fn changed(mut policy: Policy, changes: &Value) -> Result<Policy, RpcError> {
    let wrong = |name: &str, kind: &str| Params::wrong(&format!("policy.{name}"), kind);
    let fields = changes.as_object().ok_or_else(|| Params::wrong("policy", "an object"))?;
    let Policy { history, .. } = policy;
    let (mut word, mut count) = match history {
        History::Nothing => ("none", None),
        History::Last(count) => ("last", Some(count)),
        History::Everything => ("all", None),
    };
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let role = || value.as_str().and_then(role_from_word).ok_or_else(|| wrong(name, ROLES));
        let number = || value.as_u64().and_then(|number| u32::try_from(number).ok());
        let flag = || value.as_bool().ok_or_else(|| wrong(name, "true or false"));
        let number = || number().ok_or_else(|| wrong(name, "a whole number below 2^32"));
        match name.as_str() {
            "invite" => policy.invite = role()?,
            "post" => policy.post = role()?,
            "pin" => policy.pin = role()?,
            "mention_all" => policy.mention_all = role()?,
            "send_files" => policy.send_files = role()?,
            "start_calls" => policy.start_calls = role()?,
            "change_profile" => policy.change_profile = role()?,
            "slow_mode_secs" => {
                let secs = number()?;
                if secs > MAX_SLOW_MODE_SECS {
                    return Err(wrong("slow_mode_secs", "at most a day, 86400"));
                }
                policy.slow_mode_secs = secs;
            }
            "retention_secs" => policy.retention_secs = number()?,
            "approve_links" => policy.approve_links = flag()?,
            "public" => policy.public = flag()?,
            "directory" => policy.directory = flag()?,
            "observers_first" => policy.observers_first = flag()?,
            "history" => word = value.as_str().ok_or_else(|| wrong(name, "none, last or all"))?,
            "history_count" => count = Some(number()?),
            _ => return Err(RpcError::bad_params(format!("there is no rule “{name}”"))),
        }
    }
    policy.history = match (word, count) {
        ("none", _) => History::Nothing,
        ("all", _) => History::Everything,
        ("last", Some(count)) => History::Last(count),
        ("last", None) => return Err(wrong("history_count", "there, to say how many")),
        _ => return Err(wrong("history", "none, last or all")),
    };
    Ok(policy)
}

/// The rules.
pub(crate) fn policy(policy: &Policy) -> Value {
    let (history, count) = match policy.history {
        History::Nothing => ("none", None),
        History::Last(count) => ("last", Some(count)),
        History::Everything => ("all", None),
    };
    json!({
        "invite": role_word(policy.invite),
        "post": role_word(policy.post),
        "pin": role_word(policy.pin),
        "mention_all": role_word(policy.mention_all),
        "send_files": role_word(policy.send_files),
        "start_calls": role_word(policy.start_calls),
        "change_profile": role_word(policy.change_profile),
        "slow_mode_secs": policy.slow_mode_secs,
        "history": history,
        "history_count": count,
        "retention_secs": policy.retention_secs,
        "approve_links": policy.approve_links,
        "public": policy.public,
        "directory": policy.directory,
        "observers_first": policy.observers_first,
    })
}

#[cfg(test)]
mod tests {
    use kith_proto::group::Role;

    use super::*;

    #[test]
    fn rules_come_back_as_they_were_told_and_what_is_left_out_stays() {
        let strict =
            json!({ "post": "admin", "history": "last", "history_count": 100, "slow_mode_secs": 30 });
        let changed_once = changed(Policy::default(), &strict).unwrap();
        assert_eq!((changed_once.post, changed_once.history), (Role::Admin, History::Last(100)));
        assert_eq!(changed_once.invite, Policy::default().invite);
        assert_eq!(changed(Policy::default(), &policy(&changed_once)), Ok(changed_once));
        let all = changed(changed_once, &json!({ "history": "all" })).unwrap();
        assert_eq!((all.history, all.slow_mode_secs), (History::Everything, 30));
    }

    #[test]
    fn a_rule_that_is_not_known_is_refused() {
        for wrong in [
            json!({ "posts": "admin" }),
            json!({ "post": "king" }),
            json!({ "post": 3 }),
            json!({ "history": "last" }),
            json!({ "history": "some" }),
            json!({ "slow_mode_secs": -1 }),
            json!({ "retention_secs": 1_u64 << 32 }),
            json!([]),
        ] {
            assert_eq!(changed(Policy::default(), &wrong).unwrap_err().code, "bad_params", "{wrong}");
        }
    }
}
