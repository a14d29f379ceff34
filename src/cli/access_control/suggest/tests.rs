use super::*;
use crate::access::suggest::Uses;
use crate::service::protocol::RuleRow;

fn denial(path: &str, reason: &str, mend: Mend) -> Denial {
    let seen = Observation {
        category: "c".into(),
        path: path.into(),
        uses: Uses { read: true, ..Uses::default() },
        process: "/usr/bin/dump".into(),
        arguments: Some(vec!["a".into()]),
        user: Some("backup".into()),
        unit: None,
        variables: Vec::new(),
    };
    Denial { exe: "/usr/bin/dump".into(), seen, reason: reason.into(), mend }
}

fn known(rows: &[(&str, &str, &str, bool)]) -> Known {
    let row = |(index, (effect, path, process, tainted)): (usize, &(&str, &str, &str, bool))| {
        serde_json::from_value::<RuleRow>(serde_json::json!({
            "number": index + 1, "effect": effect, "category": "@c", "path": path,
            "process": process, "parameters": "", "sha256": "", "encrypted": false,
            "tainted": tainted, "package": null, "warnings": [],
        }))
        .unwrap()
    };
    Known::from(rows.iter().enumerate().map(row).collect::<Vec<_>>())
}

fn suggested(denials: Vec<Denial>, known: &Known) -> Suggested {
    let top = |_: &str, path: &Path| path.starts_with("/srv").then(|| "/srv".into());
    suggest(&newest(denials), known, &top)
}

const NEW: [(&str, &str, &str, bool); 0] = [];

#[test]
fn what_a_rule_allows_by_now_is_not_suggested_again() {
    let denials = || vec![denial("/srv/a", "no", Mend::Rule), denial("/srv/b", "no", Mend::Rule)];
    let rules = suggested(denials(), &known(&NEW)).rules;
    assert_eq!(rules.len(), 1);
    assert!(rules[0].rule.starts_with("ALLOW @c /srv /usr/bin/dump --user=backup "), "{rules:?}");
    let one = suggested(denials(), &known(&[("ALLOW", "/srv/a", "/usr/bin/dump", false)])).rules;
    assert!(one[0].rule.starts_with("ALLOW @c /srv/b "), "{one:?}");
    let all = known(&[("ALLOW", "*", "/usr/bin/dump", false)]);
    assert!(suggested(denials(), &all).rules.is_empty());
}

#[test]
fn the_newest_denial_of_a_request_counts_and_what_is_mended_is_left_out() {
    let renew = || Mend::Other(Some("ezncrypt-access-control -u 1".into()));
    let denials = || vec![denial("/srv/a", "no", Mend::Rule), denial("/srv/a", "tainted", renew())];
    let tainted = known(&[("ALLOW", "*", "/usr/bin/dump", true)]);
    let found = suggested(denials(), &tainted);
    assert!(found.rules.is_empty());
    assert_eq!((found.others[0].reason.as_str(), found.others[0].count), ("tainted", 1));
    let mended = known(&[("ALLOW", "*", "/usr/bin/dump", false)]);
    assert!(suggested(denials(), &mended).others.is_empty());
}

#[test]
fn what_no_rule_mends_is_counted_and_what_is_in_no_location_is_left_out() {
    let traced = |path| denial(path, "traced", Mend::Other(None));
    let found = suggested(vec![traced("/srv/a"), traced("/srv/b"), traced("/x")], &known(&NEW));
    assert_eq!((found.others.len(), found.others[0].count), (1, 2));
    assert!(suggested(vec![denial("/x", "no", Mend::Rule)], &known(&NEW)).rules.is_empty());
}

#[test]
fn a_comment_cannot_become_a_command() {
    let found = suggested(vec![denial("/srv/a", "a\nrm -rf /", Mend::Other(None))], &known(&NEW));
    let mut other = found;
    other.others[0].exe = "/bin/x\nreboot".into();
    let text = comments(&other.others);
    assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
}
