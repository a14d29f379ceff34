# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_ezncrypt_access_control_global_optspecs
    string join \n state-dir= passphrase-file= salt-file= rsa-key= rsa-password-file= recovery-code recovery-code-file= credential-command= h/help V/version
end

function __fish_ezncrypt_access_control_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_ezncrypt_access_control_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_ezncrypt_access_control_using_subcommand
    set -l cmd (__fish_ezncrypt_access_control_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -s V -l version -d 'Print version'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -f -a "add" -d 'Adds a rule and takes the fingerprint of its process; asks for the secret'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -f -a "delete" -d 'Deletes a rule; asks for the secret'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -f -a "list" -d 'Lists the rules; E: the process is itself encrypted, !: a fingerprint no longer holds'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -f -a "update" -d 'Shows which programs, scripts and libraries changed, and takes new fingerprints, after an upgrade; asks for the secret'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -f -a "explain" -d 'Tells whether a process may use a file, which rule decides, and what is amiss with the others'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -f -a "mode" -d 'Tells the mode, or sets it; asks for the secret'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -f -a "suggest" -d 'Prints the rules that would allow what was denied, ready to paste'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand add" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand add" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand add" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand add" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand add" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand add" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand add" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand add" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand delete" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand delete" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand delete" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand delete" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand delete" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand delete" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand delete" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand delete" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand list" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand list" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand list" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand list" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand list" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand list" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand list" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand list" -l json -d 'Lists them as JSON'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand list" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand update" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand update" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand update" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand update" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand update" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand update" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand update" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand update" -l json -d 'Shows the changes as JSON'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand update" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l access -d 'The use: read, write or exec' -r -f -a "read\t''
write\t''
exec\t''"
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l pid -d 'A process that runs' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l process -d 'A program that is to be run' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l args -d 'The arguments that it is started with, as shell words; any without it' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l user -d 'Name or number of the user that it runs as; anybody without it' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l json -d 'Prints it as JSON'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand mode" -l for -d 'How long permissive mode lasts: a number with s, m or h; at most 24h; 1h without it' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand mode" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand mode" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand mode" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand mode" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand mode" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand mode" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand mode" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand mode" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand mode" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand suggest" -l since -d 'Looks at what was denied since then: a number with s, m or h, or a time in RFC 3339' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand suggest" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand suggest" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand suggest" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand suggest" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand suggest" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand suggest" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand suggest" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand suggest" -l json -d 'Prints them as JSON'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand suggest" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand suggest" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand help; and not __fish_seen_subcommand_from add delete list update explain mode suggest help" -f -a "add" -d 'Adds a rule and takes the fingerprint of its process; asks for the secret'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand help; and not __fish_seen_subcommand_from add delete list update explain mode suggest help" -f -a "delete" -d 'Deletes a rule; asks for the secret'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand help; and not __fish_seen_subcommand_from add delete list update explain mode suggest help" -f -a "list" -d 'Lists the rules; E: the process is itself encrypted, !: a fingerprint no longer holds'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand help; and not __fish_seen_subcommand_from add delete list update explain mode suggest help" -f -a "update" -d 'Shows which programs, scripts and libraries changed, and takes new fingerprints, after an upgrade; asks for the secret'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand help; and not __fish_seen_subcommand_from add delete list update explain mode suggest help" -f -a "explain" -d 'Tells whether a process may use a file, which rule decides, and what is amiss with the others'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand help; and not __fish_seen_subcommand_from add delete list update explain mode suggest help" -f -a "mode" -d 'Tells the mode, or sets it; asks for the secret'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand help; and not __fish_seen_subcommand_from add delete list update explain mode suggest help" -f -a "suggest" -d 'Prints the rules that would allow what was denied, ready to paste'
complete -c ezncrypt-access-control -n "__fish_ezncrypt_access_control_using_subcommand help; and not __fish_seen_subcommand_from add delete list update explain mode suggest help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
