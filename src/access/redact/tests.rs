//! Secrets in arguments: what is taken out, what stays, what can be told of it.

use super::*;
use proptest::prelude::*;

fn redacted(line: &str) -> String {
    let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    redact(&arguments).join(OsStr::new(" ")).into_string().unwrap()
}

#[test]
fn secrets_are_taken_out_in_every_spelling() {
    for (line, shown) in [
        ("/bin/x --password=s a", "/bin/x --password=* a"),
        ("/bin/x --password s a", "/bin/x --password * a"),
        ("/bin/x --db-passwd=s", "/bin/x --db-passwd=*"),
        ("/bin/x --Client_Secret=s=t", "/bin/x --Client_Secret=*"),
        ("/bin/x mysql://u:s@h:3306/db", "/bin/x mysql://u:*@h:3306/db"),
        ("/usr/bin/mysqldump -uroot -ps db", "/usr/bin/mysqldump -uroot -p* db"),
        ("mariadb -vvps", "mariadb -vvp*"),
        ("mariadb --pass=s", "mariadb --pass=*"),
        ("mysql --loose-password=s", "mysql --loose-password=*"),
        ("mariadb-backup --encrypt-key=s", "mariadb-backup --encrypt-key=*"),
        ("mariadb-backup --backup -ps", "mariadb-backup --backup -p*"),
        ("mariabackup -ps --backup", "mariabackup -p* --backup"),
        ("/usr/bin/xtrabackup --backup -ps", "/usr/bin/xtrabackup --backup -p*"),
        ("innobackupex -ps /b", "innobackupex -p* /b"),
        ("mysqladmin -u root password s", "mysqladmin -u root password *"),
        ("mysqladmin passw s status", "mysqladmin passw * status"),
        ("mysqladmin password password status", "mysqladmin password * status"),
        ("mariadb-admin -pa old-password s", "mariadb-admin -p* old-password *"),
        ("env MYSQL_PWD=s mysqldump db", "env MYSQL_PWD=* mysqldump db"),
        ("sudo -E RESTIC_PASSWORD=s x", "sudo -E RESTIC_PASSWORD=* x"),
        ("systemd-run --setenv=MYSQL_PWD=s x", "systemd-run --setenv=MYSQL_PWD=* x"),
        ("/bin/x --pwd=s --db_pwd s", "/bin/x --pwd=* --db_pwd *"),
        ("sshpass -p s ssh -p 22 h", "sshpass -p * ssh -p 22 h"),
        ("sshpass -v -p -s ssh h", "sshpass -v -p * ssh h"),
        ("sshpass -P prompt -vps ssh h", "sshpass -P prompt -vp* ssh h"),
        ("sudo mysqldump -ps db", "sudo mysqldump -p* db"),
        ("sudo -u mysql mysqladmin password s", "sudo -u mysql mysqladmin password *"),
        ("sudo sshpass -ps ssh h mysql -pt", "sudo sshpass -p* ssh h mysql -p*"),
    ] {
        assert_eq!(redacted(line), shown, "{line}");
        assert_eq!(redacted(shown), shown, "{shown}");
    }
}

#[test]
fn what_is_no_secret_stays() {
    for line in [
        "/bin/x -ps --user=u --port=3",
        "/bin/x --password-file=/etc/secret --passphrase-file /f",
        "/bin/x http://host:80/a@b",
        "mysqldump --password db",
        "mysqldump -p db -hprod -P3306 --port=3 --defaults-file=/x",
        "mysql --p=3",
        "mysql password db",
        "env PWD=/a OLDPWD=/b TOKEN_FILE=/f HOME=/ x",
        "dd if=/a of=/b",
        "sshpass -f /f -d 3 ssh -ppp h",
        "sudo -p prompt ls -pl",
        "rsync -px /var/lib/mysql mysql",
    ] {
        assert_eq!(redacted(line), line);
    }
}

#[test]
fn what_was_taken_out_can_be_told_from_what_was_typed() {
    let stars = |line: &str| {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        super::stars(&words[0], &words[1..]).last().unwrap()
    };
    for (line, star) in [
        ("/bin/x --password=*", 11),
        ("mysql -p*", 2),
        ("/bin/x --password *", 0),
        ("/bin/x mysql://u:*@h", 10),
        ("mysqladmin password *", 0),
        ("xtrabackup -p*", 2),
        ("env MYSQL_PWD=*", 10),
        ("systemd-run --setenv=MYSQL_PWD=*", 19),
        ("sshpass -p *", 0),
        ("sshpass -vp*", 3),
        ("sudo mysql -p*", 2),
    ] {
        assert_eq!(stars(line), Some(star), "{line}");
    }
    for typed in
        ["*", "-p*", "a*", "--where=a*", "--password=x", "--password=x*", "*.sql", "a://b/*"]
    {
        assert_eq!(stars(&format!("/bin/x a {typed}")), None, "{typed}");
    }
}

/// Words that mean something here.
fn words() -> impl Strategy<Value = Vec<OsString>> {
    let known = prop::sample::select(vec![
        "mysql",
        "mysqladmin",
        "sudo",
        "env",
        "sshpass",
        "ssh",
        "-p",
        "-ps",
        "-vps",
        "-P",
        "s",
        "*",
        "password",
        "--password",
        "--password=s",
        "MYSQL_PWD=s",
        "--env=A_PWD=s",
        "a://b:c@d",
    ]);
    let word = prop_oneof![
        4 => known.prop_map(OsString::from),
        1 => any::<Vec<u8>>().prop_map(OsString::from_vec),
    ];
    prop::collection::vec(word, 1..8)
}

proptest! {
    #[test]
    fn twice_is_once_and_what_was_taken_out_is_a_star(all in words()) {
        let once = redact(&all);
        prop_assert_eq!(&redact(&once), &once);
        let stars: Vec<_> = super::stars(&once[0], &once[1..]).collect();
        for ((was, is), star) in all[1..].iter().zip(&once[1..]).zip(stars) {
            prop_assert!(was == is || star.is_some(), "{:?} {:?}", was, is);
        }
    }
}
