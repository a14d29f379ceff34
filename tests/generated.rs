//! The manual pages and completions in the repository are the ones that the argument definitions
//! give, and so is the table of the guard's policy. `EZNCRYPT_BLESS=1 cargo test --test generated` writes them anew.

#![allow(clippy::unwrap_used, clippy::panic)]

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use ezncrypt::guard::policy::Policy;
use std::fs;
use std::path::{Path, PathBuf};

/// Around the table in `docs/guard.md`.
const TABLE_BEGIN: &str = "<!-- policy: EZNCRYPT_BLESS=1 cargo test --test generated -->";
const TABLE_END: &str = "<!-- end of policy -->";

/// The sections that no definition holds.
const SECTIONS: &str = r#".SH "EXIT STATUS"
.TP
.B 0
done
.TP
.B 1
failed, for a reason without a code of its own
.TP
.B 2
the command line or a rule does not parse
.TP
.B 3
wrong passphrase or salt; nothing was changed
.TP
.B 4
denied: not root, or no rule allows it
.TP
.B 5
busy: a process has a file open, another command is at work, or something else is on the mount point
.TP
.B 6
no service runs, or there is no keystore yet
.TP
.B 7
damaged: bytes at rest do not verify
.TP
.B 8
no space left
.TP
.B 9
a key server, or another program that is asked for a secret, gives none
.SH FILES
.I DIR
is the state directory, /var/lib/ezncrypt unless \fB\-\-state\-dir\fR names another one.
.TP
.I DIR/keystore
the local encrypted keystore: keys, rules, locations, guards
.TP
.I DIR/keystore.backup
its second copy
.TP
.I DIR/keystore.replaced.GENERATION
one that
.B key restore
replaced
.TP
.I DIR/keystore.damaged
one that was found damaged and put right from the second copy
.TP
.I /etc/ezncrypt/ezncrypt.toml
where the service's own secret comes from; with another state directory
.I DIR/ezncrypt.toml
.TP
.I DIR/storage/
ciphertext, as backups see it
.TP
.I DIR/ezncrypted/
the mount point: plaintext for the processes that a rule names
.TP
.I /run/ezncrypt/control.sock
the socket that takes commands, from root only; with another state directory
.I DIR/run/control.sock
.TP
.I /run/ezncrypt/guard.sock
the socket on which guards learn their policy, from any user; with another state directory
.I DIR/run/guard.sock
.TP
.I /var/log/ezncrypt/audit.jsonl
the log of decisions and events; with another state directory
.I DIR/log/audit.jsonl
.SH ENVIRONMENT
.TP
.B EZNCRYPT_STATE_DIR
the state directory, where \fB\-\-state\-dir\fR is not given
.TP
.B EZNCRYPT_PASSPHRASE_FILE\fR, \fBEZNCRYPT_SALT_FILE
files that hold the secret, where \fB\-\-passphrase\-file\fR and \fB\-\-salt\-file\fR are not given
.TP
.B EZNCRYPT_RSA_KEY_FILE\fR, \fBEZNCRYPT_RSA_PASSWORD_FILE
the private RSA key that is shown instead, and its password, where \fB\-\-rsa\-key\fR and \fB\-\-rsa\-password\-file\fR are not given
.TP
.B EZNCRYPT_CREDENTIAL_COMMAND
the program that prints passphrase and salt, where \fB\-\-credential\-command\fR is not given
.TP
.B CREDENTIALS_DIRECTORY
where systemd puts the credential that the configuration names
.TP
.B NO_COLOR
when set and not empty, nothing is coloured
.SH "SEE ALSO"
.BR ezncrypt (1),
.BR ezncrypt-access-control (1)
"#;

/// Why a backup's rule should be narrow; on the pages of both applets.
const BACKUPS: &str = r#".SH "SECURE BACKUPS"
A rule that names only the program lets an unattended job run whose user can read neither its
option file nor its dump:
.PP
.nf
\&  ezncrypt\-access\-control \-a "ALLOW @mysqlbackup * /usr/bin/mysqldump"
.fi
.PP
But whoever may start the program may start it otherwise: \fBmysqldump\fR prints the password
with \fB\-\-print\-defaults\fR, writes the dump to any \fB\-\-result\-file\fR, and logs in to a
false server that options, variables or ~/.my.cnf name. So bind the run too:
.PP
.nf
\&  ezncrypt\-access\-control \-a "ALLOW @mysqlbackup * /usr/bin/mysqldump \-\-user=backup
\&    \-\-args='\-\-defaults\-file=DIR/ezncrypted/mysqlbackup/etc/mysql/backup.cnf \-\-all\-databases'"
.fi
.PP
Only exactly this command line, of this user, with a harmless environment, is then let in. Put user,
password, socket and result\-file into the option file, take \fB\-\-defaults\-file\fR (it reads no
other file), and name the file by its path below the mount, where nobody can replace it. Scripts
are bound by \fB\-\-script\fR, mariadb\-backup like mysqldump. To keep out the job's own user too, give
the program a group of its own (mode 2711) and demand it: \fB\-\-group\fR. The whole recipe is docs/backup.md.
"#;

#[test]
fn every_manual_page_is_the_one_the_definitions_give() {
    for command in ezncrypt::cli::definitions() {
        let path = repository().join(format!("man/{}.1", command.get_name()));
        assert_current(&path, &manual(&command));
    }
}

#[test]
fn every_completion_is_the_one_the_definitions_give() {
    for command in ezncrypt::cli::definitions() {
        let name = command.get_name().to_owned();
        for (shell, file) in [
            (Shell::Bash, format!("{name}.bash")),
            (Shell::Zsh, format!("_{name}")),
            (Shell::Fish, format!("{name}.fish")),
        ] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command.clone(), &name, &mut script);
            let script = String::from_utf8(script).unwrap();
            assert_current(&repository().join("completions").join(file), &script);
        }
    }
}

#[test]
fn the_table_of_the_guards_policy_is_the_one_in_force_when_nothing_is_said() {
    let path = repository().join("docs/guard.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(TABLE_BEGIN).unwrap();
    let (_, after) = rest.split_once(TABLE_END).unwrap();
    let mut table = String::from("| subject | usually | is about |\n| --- | --- | --- |\n");
    for (subject, treatment, what) in Policy::default().describe() {
        let usually = format!("{treatment:?}").to_lowercase();
        table += &format!("| `{subject}` | {usually} | {what} |\n");
    }
    assert_current(&path, &format!("{before}{TABLE_BEGIN}\n{table}{TABLE_END}{after}"));
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn assert_current(path: &Path, generated: &str) {
    if std::env::var_os("EZNCRYPT_BLESS").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, generated).unwrap();
    }
    let stored = fs::read_to_string(path).unwrap_or_default();
    let file = path.file_name().unwrap().display();
    assert!(stored == generated, "{file} is stale: EZNCRYPT_BLESS=1 cargo test --test generated");
}

/// One page: the applet, each of its commands as a subsection, and the sections above.
fn manual(command: &Command) -> String {
    let name = command.get_name();
    let whole = Man::new(command.clone().subcommand_value_name("command")).manual("ezncrypt");
    let mut page = rendered(|out| whole.render_title(out));
    page += &headed(&rendered(|out| whole.render_name_section(out)));
    page += &headed(&rendered(|out| whole.render_synopsis_section(out)));
    page += &headed(&rendered(|out| whole.render_description_section(out)));
    page += &headed(&rendered(|out| whole.render_options_section(out)));
    page += ".SH COMMANDS\n";
    for subcommand in command.get_subcommands() {
        page += &section(name, subcommand);
        for inner in subcommand.get_subcommands() {
            page += &section(&format!("{name} {}", subcommand.get_name()), inner);
        }
    }
    page += ".SH EXAMPLES\n";
    page += &body(&rendered(|out| short_help_only(command).render_extra_section(out)), true);
    page + BACKUPS + SECTIONS
}

/// The applet without the long form of its last words, whose table has a section of its own.
fn short_help_only(command: &Command) -> Man {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let text = text.strip_prefix("Examples:\n").unwrap_or(&text).to_owned();
    Man::new(Command::new("examples").after_help(text))
}

fn section(applet: &str, subcommand: &Command) -> String {
    let name = subcommand.get_name();
    let full = format!("{applet} {name}");
    let flags = [
        subcommand.get_short_flag().map(|short| format!("\\-{short}")),
        subcommand.get_long_flag().map(|long| format!("\\-\\-{long}")),
    ];
    // A command of a command has no flag, and is told by its whole name.
    let own =
        applet.split_once(' ').map_or(name.to_owned(), |(_, outer)| format!("{outer} {name}"));
    let heading: Vec<_> = std::iter::once(own).chain(flags.into_iter().flatten()).collect();
    let plain = subcommand.clone().bin_name(full.clone()).disable_help_flag(true);
    let man = Man::new(plain);
    let mut text = format!(".SS \"{}\"\n", heading.join(", "));
    text += &body(&rendered(|out| man.render_synopsis_section(out)), false);
    text += ".PP\n";
    text += &body(&rendered(|out| man.render_description_section(out)), false);
    if subcommand.get_arguments().next().is_some() {
        text += &body(&rendered(|out| man.render_options_section(out)), false);
    }
    if subcommand.get_after_help().is_some() {
        text += ".PP\n";
        text += &body(&rendered(|out| man.render_extra_section(out)), true);
    }
    text
}

fn rendered(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    render(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A rendered section without the preamble that the title already brought.
fn headed(section: &str) -> String {
    let kept = section.lines().filter(|line| !line.starts_with(".ie") && !line.starts_with(".el"));
    kept.map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A rendered section without its heading; `verbatim` keeps its lines apart.
fn body(section: &str, verbatim: bool) -> String {
    let section = headed(section);
    let lines = section.lines().filter(|line| !line.starts_with(".SH"));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    let text = text.trim_end();
    if verbatim { format!(".nf\n{text}\n.fi\n") } else { format!("{text}\n") }
}

#[test]
fn the_commands_that_the_documentation_shows_are_commands() {
    let mut shown = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| line.starts_with("    ezncrypt ")) {
            // What is said about it stands further to the right.
            let line = line.trim_start().split("  ").next().unwrap();
            let mut definitions = ezncrypt::cli::definitions().into_iter();
            let definition = definitions.find(|it| it.get_name() == "ezncrypt").unwrap();
            let parsed = definition.try_get_matches_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{}: {line}: {}", path.display(), parsed.unwrap_err());
            shown += 1;
        }
    }
    assert!(shown > 20, "{shown}");
}
