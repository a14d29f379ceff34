use super::*;
use proptest::prelude::*;

fn mended_in(names: &[&str], args: &[&str]) -> Vec<String> {
    let list = || names.iter().map(OsString::from).collect();
    let args = std::iter::once("ezncrypt").chain(args.iter().copied());
    let mended = mend(args.map(OsString::from).collect(), &list);
    mended.into_iter().skip(1).map(|arg| arg.into_string().unwrap()).collect()
}

fn mended(args: &[&str]) -> Vec<String> {
    mended_in(&[], args)
}

#[test]
fn dashes_of_every_kind_become_hyphens() {
    for (pasted, meant) in [
        ("–e", "-e"),
        ("—e", "-e"),
        ("−e", "-e"),
        ("–encrypt", "--encrypt"),
        ("—encrypt", "--encrypt"),
        ("−encrypt", "--encrypt"),
        ("––encrypt", "--encrypt"),
        ("-–encrypt", "--encrypt"),
        ("–state-dir=/x–y", "--state-dir=/x–y"),
        ("–state‑dir", "--state-dir"),
        ("--state‑dir=/x", "--state-dir=/x"),
    ] {
        assert_eq!(mended(&[pasted]), [meant], "{pasted}");
    }
}

#[test]
fn what_is_typed_correctly_stays_as_it_is() {
    let typed = ["-e", "--encrypt", "@c", "/a–b", "-", "./–x", "a”", "it’s", "---", "-x=–"];
    assert_eq!(mended(&typed), typed);
}

#[test]
fn a_dash_before_anything_but_a_letter_begins_no_option() {
    assert_eq!(mended(&["–/x", "–1", "–ü"]), ["–/x", "–1", "–ü"]);
}

#[test]
fn after_two_hyphens_nothing_is_changed() {
    assert_eq!(mended(&["–e", "--", "–e", "“x”"]), ["-e", "--", "–e", "“x”"]);
    assert_eq!(mended(&["–", "–e"]), ["--", "–e"]);
}

#[test]
fn curly_quotes_around_an_argument_are_taken_off() {
    assert_eq!(mended(&["“@c”", "‘/a b’", "„x“", "”y”"]), ["@c", "/a b", "x", "y"]);
    assert_eq!(mended(&["“ALLOW @c * /p”"]), ["ALLOW @c * /p"]);
}

#[test]
fn a_rule_that_the_shell_split_is_whole_again() {
    let split = ["-a", "“ALLOW", "@mysql", "*", "/usr/sbin/mysqld”", "--json"];
    assert_eq!(mended(&split), ["-a", "ALLOW @mysql * /usr/sbin/mysqld", "--json"]);
}

#[test]
fn a_quote_that_is_never_closed_stays() {
    assert_eq!(mended(&["“ALLOW", "@c", "/p"]), ["“ALLOW", "@c", "/p"]);
    assert_eq!(mended(&["“ALLOW", "--", "x”"]), ["“ALLOW", "--", "x”"]);
    assert_eq!(mended(&["“ALLOW", "x’"]), ["“ALLOW", "x’"]);
}

#[test]
fn a_star_that_the_shell_expanded_is_put_back() {
    let here = ["b", "a c", "A"];
    let expanded = ["“ALLOW", "@c", "A", "a c", "b", "/p”"];
    assert_eq!(mended_in(&here, &expanded), ["ALLOW @c * /p"]);
    let with_parameter = ["“DENY", "@c", "A", "a c", "b", "/p", "--user=x”"];
    assert_eq!(mended_in(&here, &with_parameter), ["DENY @c * /p --user=x"]);
}

#[test]
fn only_exactly_the_names_of_the_working_directory_are_a_star() {
    for words in [
        ["“ALLOW", "@c", "a", "/p”"].as_slice(),
        ["“ALLOW", "@c", "a", "b”"].as_slice(),
        ["“ALLOW", "@c", "a", "c", "/p”"].as_slice(),
        ["“ALLOW", "c", "a", "b", "/p”"].as_slice(),
        ["“PERMIT", "@c", "a", "b", "/p”"].as_slice(),
    ] {
        let joined = words.join(" ").replace(['“', '”'], "");
        assert_eq!(mended_in(&["a", "b"], words), [joined]);
    }
}

#[test]
fn words_of_a_rule_without_quotes_join_the_same_way() {
    let words = ["ALLOW", "@c", "a", "b", "/p"].map(OsString::from);
    let names = || vec!["b".into(), "a".into()];
    assert_eq!(joined_rule(&words, &names), "ALLOW @c * /p");
}

proptest! {
    #[test]
    fn arguments_that_begin_with_a_slash_keep_every_byte(tails: Vec<Vec<u8>>) {
        let path = |tail: &Vec<u8>| OsString::from_vec([b"/", tail.as_slice()].concat());
        let args: Vec<_> = std::iter::once(OsString::from("ezncrypt")).chain(tails.iter().map(path)).collect();
        prop_assert_eq!(mend(args.clone(), &Vec::new), args);
    }

    #[test]
    fn any_words_are_mended_without_a_panic_and_none_is_added(
        words in proptest::collection::vec("[-–—−“”„‘’a=/@* ]{0,5}", 0..8)
    ) {
        let args: Vec<_> = words.iter().map(OsString::from).collect();
        let names = || vec!["a".into()];
        let mended = mend(args.clone(), &names);
        prop_assert!(mended.len() <= args.len());
        prop_assert_eq!(mended.first(), args.first());
    }
}
