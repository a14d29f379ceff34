use super::*;
use proptest::prelude::*;

fn parsed(settings: &[&str]) -> Result<Policy, Error> {
    Policy::parse(&settings.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
}

#[test]
fn what_is_not_said_is_treated_as_usual() {
    let policy = Policy::default();
    assert_eq!(policy.treatments(Subject::InitFile), [Treatment::Forbid]);
    assert_eq!(policy.treatments(Subject::Leak("tmpdir")), [Treatment::Warn]);
    assert_eq!(policy.treatments(Subject::Persisted), [Treatment::Allow]);
}

#[test]
fn settings_are_read_with_dashes_and_spaces() {
    let policy = parsed(&["allow  init-file", " require datadir = /a b=c "]).unwrap();
    assert_eq!(policy.treatments(Subject::InitFile), [Treatment::Allow]);
    assert_eq!(policy.treatments(Subject::Datadir), [Treatment::Require(" /a b=c ".into())]);
}

#[test]
fn several_requirements_of_one_subject_stand_side_by_side() {
    let policy = parsed(&["require datadir=/a", "require datadir=/b"]).unwrap();
    let both = [Treatment::Require("/a".into()), Treatment::Require("/b".into())];
    assert_eq!(policy.treatments(Subject::Datadir), both);
}

#[test]
fn a_permit_decides_alone_what_it_names_and_leaves_the_rest() {
    let policy = parsed(&["require datadir=/a", "warn init_file"]).unwrap();
    let with = policy.with(&["allow datadir".into()]).unwrap();
    assert_eq!(with.treatments(Subject::Datadir), [Treatment::Allow]);
    assert_eq!(with.treatments(Subject::InitFile), [Treatment::Warn]);
}

#[test]
fn what_is_no_setting_says_why() {
    let error = |text: &str| parsed(&[text]).unwrap_err().to_string();
    assert!(error("permit init_file").contains("begins with allow"));
    assert!(error("require datadir").contains("SUBJECT=VALUE"));
    let unknown = error("allow init_fil");
    assert!(unknown.contains("\"init_fil\"") && unknown.contains("init_file, init_slave"));
    let two = parsed(&["allow init_file", "forbid init_file"]).unwrap_err();
    assert_eq!(two, Error::Contradiction { subject: Subject::InitFile });
    assert!(parsed(&["allow datadir", "require datadir=/a"]).is_err());
}

#[test]
fn every_subject_has_one_name_and_is_described() {
    let described = Policy::default().describe();
    for row in rows() {
        assert_eq!(row.name.parse::<Subject>().unwrap(), row.subject);
        assert!(
            described.iter().any(|(subject, _, what)| *subject == row.subject && !what.is_empty())
        );
    }
    assert_eq!(described.len(), rows().count());
}

fn any_setting() -> impl Strategy<Value = String> {
    let names: Vec<&str> = rows().map(|row| row.name).collect();
    let verb = prop_oneof![Just("allow"), Just("warn"), Just("forbid"), Just("require")];
    (verb, proptest::sample::select(names), "[ -~äß]{0,12}").prop_map(|(verb, name, value)| {
        if verb == "require" { format!("{verb} {name}={value}") } else { format!("{verb} {name}") }
    })
}

proptest! {
    #[test]
    fn written_settings_are_read_as_the_same_policy(
        settings in prop::collection::vec(any_setting(), 0..6)
    ) {
        if let Ok(policy) = Policy::parse(&settings) {
            prop_assert_eq!(Policy::parse(&policy.settings()).unwrap(), policy);
        }
    }

    #[test]
    fn one_setting_comes_back_as_it_was(setting in any_setting()) {
        let policy = Policy::parse(std::slice::from_ref(&setting)).unwrap();
        prop_assert_eq!(policy.settings(), [setting]);
    }

    #[test]
    fn any_text_is_a_policy_or_an_error(text in ".*") {
        let _ = Policy::parse(&[text]);
    }
}
