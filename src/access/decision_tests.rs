use super::super::{Bindings, Fingerprint};
use super::*;

fn rules(texts: &[&str]) -> Vec<BoundRule> {
    let fingerprint = Fingerprint { sha256: [0; 32], size: 0 };
    let bound = |text: &&str| {
        let rule: super::super::Rule = text.parse().unwrap();
        let terms = super::super::Terms::None;
        BoundRule {
            process: rule.process.clone(),
            rule,
            fingerprint,
            bindings: Bindings::default(),
            terms,
        }
    };
    texts.iter().map(bound).collect()
}

/// Decides for a program that is the process of every rule whose process is `program`.
fn decide(texts: &[&str], program: &str, category: &str, paths: &[&str]) -> Decision {
    let rules = rules(texts);
    let standings: Vec<_> = rules
        .iter()
        .map(|rule| if rule.process == Path::new(program) { Standing::Is } else { Standing::Other })
        .collect();
    weighed(&rules, &standings, category, paths)
}

fn weighed(
    rules: &[BoundRule],
    standings: &[Standing],
    category: &str,
    paths: &[&str],
) -> Decision {
    let paths: Vec<_> = paths.iter().map(Path::new).collect();
    let ask = Ask { category, paths: &paths, below: false, access: Access::Read };
    weigh(rules, standings, &ask)
}

#[test]
fn the_matrix_of_rules_and_paths() {
    use Decision::{Allow, Deny};
    let texts = [
        "ALLOW @m /data /a",
        "ALLOW @m /backup/*.sql /a",
        "ALLOW @m * /b",
        "DENY @m /data/secret /b",
        "ALLOW @n * /c",
    ];
    let cases: &[(&str, &str, &[&str], Decision)] = &[
        ("/a", "m", &["/data"], Allow { rule: 0 }),
        ("/a", "m", &["/data/x/y"], Allow { rule: 0 }),
        ("/a", "m", &["/data2"], Deny(Reason::WrongProgram)),
        ("/a", "m", &["/backup/x.sql"], Allow { rule: 1 }),
        ("/a", "m", &["/backup/x.txt"], Deny(Reason::WrongProgram)),
        ("/a", "m", &["/backup/x.sql", "/data/x.sql"], Allow { rule: 1 }),
        ("/a", "m", &["/backup/x.sql", "/else"], Deny(Reason::WrongProgram)),
        ("/a", "m", &[], Deny(Reason::NoRule)),
        ("/a", "n", &["/data"], Deny(Reason::WrongProgram)),
        ("/a", "o", &["/data"], Deny(Reason::NoRule)),
        ("/b", "m", &["/else"], Allow { rule: 2 }),
        ("/b", "m", &["/data/secret"], Deny(Reason::DeniedByRule(3))),
        ("/b", "m", &["/else", "/data/secret/x"], Deny(Reason::DeniedByRule(3))),
        ("/b", "m", &["/data/secret2"], Allow { rule: 2 }),
        ("/c", "n", &["/data/secret"], Allow { rule: 4 }),
        ("/c", "m", &["/data"], Deny(Reason::WrongProgram)),
        ("/d", "m", &["/data"], Deny(Reason::WrongProgram)),
    ];
    for (program, category, paths, expected) in cases {
        assert_eq!(
            decide(&texts, program, category, paths),
            *expected,
            "{program} {category} {paths:?}"
        );
    }
}

#[test]
fn a_deny_beats_an_allow_in_either_order() {
    let denied = |rule| Decision::Deny(Reason::DeniedByRule(rule));
    assert_eq!(decide(&["ALLOW @m * /a", "DENY @m * /a"], "/a", "m", &["/x"]), denied(1));
    assert_eq!(decide(&["DENY @m * /a", "ALLOW @m * /a"], "/a", "m", &["/x"]), denied(0));
    assert_eq!(
        decide(&["DENY @n * /a", "ALLOW @m * /a"], "/a", "m", &["/x"]),
        Decision::Allow { rule: 1 }
    );
}

#[test]
fn a_deny_that_cannot_be_examined_denies() {
    let rules = rules(&["ALLOW @m * /a", "DENY @m * /b"]);
    let standings = [Standing::Is, Standing::Not(Mismatch::Unverifiable)];
    let decision = weighed(&rules, &standings, "m", &["/x"]);
    assert_eq!(decision, Decision::Deny(Reason::DeniedByRule(1)));
}

#[test]
fn without_rules_nothing_is_allowed() {
    assert_eq!(decide(&[], "/a", "m", &["/x"]), Decision::Deny(Reason::NoRule));
    assert_eq!(decide(&["DENY @m /y /a"], "/a", "m", &["/x"]), Decision::Deny(Reason::NoRule));
}

#[test]
fn the_reason_is_the_one_that_tells_most() {
    let rules = rules(&["ALLOW @m * /b", "ALLOW @m * /a", "ALLOW @m /x /a", "ALLOW @m /z /a"]);
    let not = |mismatch| Standing::Not(mismatch);
    let standings =
        [Standing::Other, not(Mismatch::Replaced), not(Mismatch::Tainted), not(Mismatch::Deleted)];
    let reason = |path| match weighed(&rules, &standings, "m", &[path]) {
        Decision::Deny(reason) => reason,
        Decision::Allow { rule } => panic!("allowed by {rule}"),
    };
    assert_eq!(reason("/x"), Reason::Tainted { rule: 2 });
    assert_eq!(reason("/y"), Reason::Replaced { rule: 1 });
    assert_eq!(reason("/z"), Reason::Deleted { rule: 3 });
    assert!(reason("/z").to_string().starts_with("rule 4:"));
}

#[test]
fn a_directory_above_what_is_denied_cannot_be_moved_away() {
    for denied in ["/a/x/secret", "/a/*/secret", "/a/x/[s]ecret"] {
        let rules = rules(&["ALLOW @m * /p", &format!("DENY @m {denied} /p")]);
        let decide = |below, path: &str| {
            let (paths, access) = ([Path::new(path)], Access::Change);
            let ask = Ask { category: "m", paths: &paths, below, access };
            weigh(&rules, &[Standing::Is, Standing::Is], &ask)
        };
        for above in ["/a/x", "/a", "/"] {
            assert_eq!(decide(true, above), Decision::Deny(Reason::DeniedByRule(1)));
            assert_eq!(decide(false, above), Decision::Allow { rule: 0 });
        }
        assert_eq!(decide(true, "/b"), Decision::Allow { rule: 0 });
    }
}
