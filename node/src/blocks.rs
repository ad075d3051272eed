//! Lists of blocked people as a text that is given from hand to hand: a first line that says what it is, then an address a line.

use kith_proto::id::AccountId;

const HEAD: &str = "kith blocks v1";

/// The most people on one list.
const MAX_PEOPLE: usize = 10_000;

/// A list as a text.
pub fn written(accounts: &[AccountId]) -> String {
    let mut text = HEAD.to_owned();
    for account in accounts {
        text.push('\n');
        text.push_str(&account.to_string());
    }
    text.push('\n');
    text
}

/// The people on a list. Empty lines, and what stands behind a `#`, are notes.
///
/// # Errors
/// A sentence about what is wrong with the text: a list with a mistake blocks nobody.
pub fn read(text: &str) -> Result<Vec<AccountId>, String> {
    let mut lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let mut lines = lines.by_ref().filter(|line| !line.is_empty());
    if lines.next() != Some(HEAD) {
        return Err(format!("this is no list of blocked people: it begins with a line “{HEAD}”"));
    }
    let mut accounts = Vec::new();
    for line in lines {
        let account: Result<AccountId, _> = line.parse();
        let number = accounts.len() + 1;
        accounts.push(account.map_err(|_| format!("there is a mistake in address {number} of this list"))?);
        if accounts.len() > MAX_PEOPLE {
            return Err(format!("this list is too long: at most {MAX_PEOPLE} people stand on one"));
        }
    }
    Ok(accounts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_comes_back_and_one_with_a_mistake_does_not() {
        let people = [AccountId([1; 32]), AccountId([2; 32])];
        let text = written(&people);
        assert_eq!(read(&text), Ok(people.to_vec()));
        assert_eq!(read(&written(&[])), Ok(Vec::new()));
        let noted = format!("# from Ann\n{}\n\n", text.replacen('\n', " # the list\n", 1));
        assert_eq!(read(&noted), Ok(people.to_vec()));
        for wrong in ["", "kith1", &text.replace("v1", "v9"), &text.replacen("kith1", "kith2", 1)] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
