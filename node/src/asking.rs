//! What somebody pastes to ask another person: an invite, or nothing but an address.

use kith_engine::Command;
use kith_proto::id::AccountId;
use kith_proto::invite::Invite;

/// What every address begins with.
const ADDRESS: &str = "kith1";

/// The command that asks whoever made a link or has an address. Spaces around it are not minded, nor is an address that
/// is written in capitals, as some codes are.
///
/// # Errors
/// A sentence about what is wrong with the text.
pub fn asking(text: &str, greeting: String) -> Result<Command, String> {
    let text = text.trim();
    let begins = text.get(..ADDRESS.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(ADDRESS));
    if begins {
        let account: Result<AccountId, _> = text.parse();
        let account = account.map_err(|_| {
            "there is a mistake in this address, or a part of it is missing: copy it again".to_owned()
        })?;
        return Ok(Command::Knock { account, greeting });
    }
    let invite: Invite = text
        .parse()
        .map_err(|error| format!("{error} (an invite link begins with kith: and an address with kith1)"))?;
    Ok(Command::AddContact { invite, greeting })
}

#[cfg(test)]
mod tests {
    use kith_proto::invite::InviteSecret;

    use super::*;

    fn asked(text: &str) -> Result<Command, String> {
        asking(text, "hello".to_owned())
    }

    #[test]
    fn an_address_and_a_link_are_told_apart_and_mistakes_are_named() {
        let account = AccountId([7; 32]);
        let knock = Ok(Command::Knock { account, greeting: "hello".to_owned() });
        let address = account.to_string();
        assert_eq!(asked(&format!("  {address}\n")), knock);
        assert_eq!(asked(&address.to_uppercase()), knock);
        let link = Invite::new(account, &InviteSecret([1; 16]), 0, &[]);
        assert!(matches!(asked(&link.to_string()), Ok(Command::AddContact { invite, .. }) if invite == link));

        let end = address.len() - 1;
        for wrong in [&address[..end], &address.replace('q', "p"), "kith1", "KITH1"] {
            let sentence = asked(wrong).unwrap_err();
            assert!(sentence.contains("address"), "{wrong}: {sentence}");
        }
        for wrong in ["", "kith", "kith:", "https://example.org", "é", "kitå1"] {
            let sentence = asked(wrong).unwrap_err();
            assert!(sentence.contains("kith1"), "{wrong}: {sentence}");
        }
    }
}
