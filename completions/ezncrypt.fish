# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_ezncrypt_global_optspecs
    string join \n state-dir= passphrase-file= salt-file= rsa-key= rsa-password-file= recovery-code recovery-code-file= credential-command= h/help V/version
end

function __fish_ezncrypt_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_ezncrypt_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_ezncrypt_using_subcommand
    set -l cmd (__fish_ezncrypt_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -s V -l version -d 'Print version'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "init" -d 'Makes the keystore, which one passphrase and salt will open, or an RSA key'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "start" -d 'Unlocks the keystore and serves plaintext to the processes that a rule names'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "stop" -d 'Ends the service; refuses while processes have files open, and names them'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "status" -d 'Tells whether the service runs and what it has done; anyone may ask'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "encrypt" -d 'Encrypts files or directories in place and leaves a symlink at their path'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "decrypt" -d 'Puts the plaintext back at the original path; always asks for the secret'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "list" -d 'Lists what is encrypted'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "guard" -d 'Puts guards before servers: nobody starts one otherwise than its policy allows'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "decrypt-file" -d 'Decrypts one ciphertext file, wherever it was copied, with a key of this keystore'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "key" -d 'Manages what opens the keystore, and the keys in it'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "verify" -d 'Looks at every byte at rest, and tells which files are damaged, where and how'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "audit" -d 'Shows the audit log: who was let in or denied, what was changed, what was found damaged'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "demo" -d 'Shows the whole job in a throw-away state directory; needs no root and changes nothing'
complete -c ezncrypt -n "__fish_ezncrypt_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand init" -l scrypt-log-n -d 'Cost of guessing a passphrase: scrypt takes 2^N rounds and 2^N KiB of memory' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand init" -l rsa-public-key -d 'Opens for the private key of the RSA public key in FILE instead; nothing is asked' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand init" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand init" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand init" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand init" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand init" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand init" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand init" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand init" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l transport -d 'How the kernel\'s requests reach the service: through /dev/fuse, or through io_uring, which is faster' -r -f -a "auto\t'As the kernel offers'
device\t'Through /dev/fuse'
io-uring\t'Through io_uring'"
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l foreground -d 'Stays in the foreground instead of going to the background'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l ask -d 'Asks for an administrator\'s secret, though a source of an unattended one is configured'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l supervise -d 'Starts the service again whenever it dies'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand stop" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand stop" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand stop" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand stop" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand stop" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand stop" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand stop" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand stop" -l force -d 'Ends it although processes have files open; their next access fails'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand stop" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand status" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand status" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand status" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand status" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand status" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand status" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand status" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand status" -l json -d 'Tells it as JSON'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand status" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand encrypt" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand encrypt" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand encrypt" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand encrypt" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand encrypt" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand encrypt" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand encrypt" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand encrypt" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand encrypt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand list" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand list" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand list" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand list" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand list" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand list" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand list" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand list" -l json -d 'Lists it as JSON'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand list" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -f -a "install" -d 'Puts a guard before the server at PATH; again: changes its settings, or takes in an upgrade'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -f -a "remove" -d 'Removes the guard at PATH and puts the server back as it was; asks for the secret'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -f -a "show" -d 'Shows the guards with their policies, and checks them'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -f -a "permit" -d 'Permits one run more than the policy does, for a time; asks for the secret'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and not __fish_seen_subcommand_from install remove show permit help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l name -d 'Puts the guard at NAME, beside the server or absolute; the server keeps its path' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l category -d 'The category of the server\'s data; found by the rules or the data directory without it' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l allow -d 'Allows SUBJECT. Settings that are given replace all that were; none keep them' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l forbid -d 'Refuses a run that asks for SUBJECT' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l warn -d 'Allows SUBJECT, and says so on standard error and in the log' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l require -d 'Refuses every other value of SUBJECT; given twice, both values are right' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l reload-privileges -d 'Lets the service make the server load its privileges once it answers (SIGHUP)'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from remove" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from remove" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from remove" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from remove" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from remove" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from remove" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from remove" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from remove" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from show" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from show" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from show" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from show" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from show" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from show" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from show" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from show" -l json -d 'Shows them as JSON'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from show" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -l allow -d 'Allows SUBJECT, as \'ezncrypt guard show\' names it; may be given several times' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -l require -d 'Allows SUBJECT with this value only' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -l for -d 'How long it lasts: a number with s, m or h; at most 24h' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from permit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from help" -f -a "install" -d 'Puts a guard before the server at PATH; again: changes its settings, or takes in an upgrade'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Removes the guard at PATH and puts the server back as it was; asks for the secret'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from help" -f -a "show" -d 'Shows the guards with their policies, and checks them'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from help" -f -a "permit" -d 'Permits one run more than the policy does, for a time; asks for the secret'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand guard; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt-file" -s o -l output -d 'The file to make, readable by its owner only' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt-file" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt-file" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt-file" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt-file" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt-file" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt-file" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt-file" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt-file" -l force -d 'Replaces a file that is there'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt-file" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand decrypt-file" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -f -a "list" -d 'Lists what opens the keystore, and the keys of each category'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -f -a "add" -d 'Adds a way to open the keystore'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -f -a "remove" -d 'Removes a way to open the keystore; the last that gives every right stays'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -f -a "change" -d 'Changes a keyslot to a new secret of the same kind'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -f -a "export" -d 'Writes the keys of a category, sealed for somebody else, to standard output'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -f -a "import" -d 'Takes over the keys in a bundle; asks for this keystore\'s secret, then for the bundle\'s'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -f -a "backup" -d 'Copies the keystore, sealed as it is, to a file; cron may do it while the service runs'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -f -a "restore" -d 'Puts a backup of the keystore in place, while no service runs; also on a new machine'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -f -a "rotate" -d 'Gives a category, or with --master the keystore, a new key, while files are in use'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -f -a "test" -d 'Proves that a secret still opens the keystore, and says by which keyslot; changes nothing'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and not __fish_seen_subcommand_from list add remove change export import backup restore rotate test help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from list" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from list" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from list" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from list" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from list" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from list" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from list" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from list" -l json -d 'Lists them as JSON'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from list" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l name -d 'What people call the keyslot' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l new-passphrase-file -d 'Reads the new passphrase from FILE instead of asking twice' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l new-salt-file -d 'Reads the new salt from FILE instead of asking twice' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l public-key -d 'The new public key of an rsa keyslot' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l scrypt-log-n -d 'Cost of guessing: scrypt takes 2^N rounds and 2^N KiB of memory' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l generate -d 'Of an unattended keyslot: makes the file with a new secret that the configuration names'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from remove" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from remove" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from remove" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from remove" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from remove" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from remove" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from remove" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from remove" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l new-passphrase-file -d 'Reads the new passphrase from FILE instead of asking twice' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l new-salt-file -d 'Reads the new salt from FILE instead of asking twice' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l public-key -d 'The new public key of an rsa keyslot' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l scrypt-log-n -d 'Cost of guessing: scrypt takes 2^N rounds and 2^N KiB of memory' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from change" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -l to -d 'Whom the bundle is for: passphrase, a new one; or rsa:FILE, the holder of a private key' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -l bundle-passphrase-file -d 'Reads the bundle\'s new passphrase from FILE instead of asking twice' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -l bundle-salt-file -d 'Reads the bundle\'s new salt from FILE instead of asking twice' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l as -d 'The category\'s name here, where it is not to be the one it had' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l bundle-passphrase-file -d 'Reads the bundle\'s passphrase from FILE instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l bundle-salt-file -d 'Reads the bundle\'s salt from FILE instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l bundle-rsa-key -d 'Opens the bundle by the private RSA key in FILE' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l bundle-rsa-password-file -d 'Reads that key\'s password from FILE instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from backup" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from backup" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from backup" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from backup" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from backup" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from backup" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from backup" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from backup" -l force -d 'Replaces a file that is there'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from backup" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from restore" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from restore" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from restore" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from restore" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from restore" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from restore" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from restore" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from restore" -l force -d 'Replaces the keystore also when it is newer, or another one'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from restore" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l rate -d 'At most so many bytes a second with --data, as in 20M; 0 or unlimited for no limit [default: 64M]' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l drop -d 'With --master, takes the keyslot of this number or name away instead of wrapping it anew' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l slot-files -d 'With --master, reads passphrase and salt of a keyslot from files that only their owner may read' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l data -d 'Gives each file a new key and encrypts its contents anew'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l master -d 'Changes the keystore\'s master key'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from test" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from test" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from test" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from test" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from test" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from test" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from test" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from test" -l unattended -d 'Tests the unattended secret, from where the configuration file says'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from test" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists what opens the keystore, and the keys of each category'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "add" -d 'Adds a way to open the keystore'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Removes a way to open the keystore; the last that gives every right stays'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "change" -d 'Changes a keyslot to a new secret of the same kind'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "export" -d 'Writes the keys of a category, sealed for somebody else, to standard output'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "import" -d 'Takes over the keys in a bundle; asks for this keystore\'s secret, then for the bundle\'s'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "backup" -d 'Copies the keystore, sealed as it is, to a file; cron may do it while the service runs'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "restore" -d 'Puts a backup of the keystore in place, while no service runs; also on a new machine'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Gives a category, or with --master the keystore, a new key, while files are in use'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "test" -d 'Proves that a secret still opens the keystore, and says by which keyslot; changes nothing'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l subset -d 'Looks at part N of M of the files only; every file is in one part, the same each time' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l rate -d 'Reads at most so many bytes a second, as in 20M; 0 or unlimited for no limit' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l threads -d 'Reads by N threads [default: one for each processor]' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l holes -d 'Lists holes, too: an erased sector looks like one in a file that may have holes'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l json -d 'Tells the result as JSON'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l repair -d 'Says what it would mend, asks, and mends that; asks for the secret of an administrator'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l zero-torn -d 'With --repair, puts zeros in the place of sectors that do not verify: for databases that repair pages from a journal of their own'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l yes -d 'With --repair, does not ask'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l since -d 'Shows what happened since TIME: 10m, 2h, 3d ago, or 2026-01-31, \'2026-01-31 15:00\' (UTC), or RFC 3339' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l follow -d 'Shows the last lines, and goes on with those that come, until interrupted'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l denied -d 'Shows denials only'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l json -d 'Shows the lines as they are in the log; with --verify, tells the result as JSON'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l verify -d 'Tells whether lines were changed, removed, put in or cut off'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand audit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand demo" -l state-dir -d 'State directory of the instance: keystore, ciphertext, mount point' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand demo" -l passphrase-file -d 'Reads the passphrase from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand demo" -l salt-file -d 'Reads the salt from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand demo" -l rsa-key -d 'Shows the private RSA key in FILE instead of passphrase and salt' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand demo" -l rsa-password-file -d 'Reads the RSA key\'s password from FILE, which only its owner may read, instead of asking' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand demo" -l recovery-code-file -d 'Reads a recovery code from FILE, which only its owner may read' -r -F
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand demo" -l credential-command -d 'Runs CMD, which prints the passphrase on one line and the salt on the next' -r
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand demo" -l recovery-code -d 'Asks for a recovery code instead of passphrase and salt'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "init" -d 'Makes the keystore, which one passphrase and salt will open, or an RSA key'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "start" -d 'Unlocks the keystore and serves plaintext to the processes that a rule names'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "stop" -d 'Ends the service; refuses while processes have files open, and names them'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "status" -d 'Tells whether the service runs and what it has done; anyone may ask'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "encrypt" -d 'Encrypts files or directories in place and leaves a symlink at their path'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "decrypt" -d 'Puts the plaintext back at the original path; always asks for the secret'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "list" -d 'Lists what is encrypted'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "guard" -d 'Puts guards before servers: nobody starts one otherwise than its policy allows'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "decrypt-file" -d 'Decrypts one ciphertext file, wherever it was copied, with a key of this keystore'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "key" -d 'Manages what opens the keystore, and the keys in it'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "verify" -d 'Looks at every byte at rest, and tells which files are damaged, where and how'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "audit" -d 'Shows the audit log: who was let in or denied, what was changed, what was found damaged'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "demo" -d 'Shows the whole job in a throw-away state directory; needs no root and changes nothing'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and not __fish_seen_subcommand_from init start stop status encrypt decrypt list guard decrypt-file key verify audit demo help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from guard" -f -a "install" -d 'Puts a guard before the server at PATH; again: changes its settings, or takes in an upgrade'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from guard" -f -a "remove" -d 'Removes the guard at PATH and puts the server back as it was; asks for the secret'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from guard" -f -a "show" -d 'Shows the guards with their policies, and checks them'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from guard" -f -a "permit" -d 'Permits one run more than the policy does, for a time; asks for the secret'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "list" -d 'Lists what opens the keystore, and the keys of each category'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "add" -d 'Adds a way to open the keystore'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "remove" -d 'Removes a way to open the keystore; the last that gives every right stays'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "change" -d 'Changes a keyslot to a new secret of the same kind'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "export" -d 'Writes the keys of a category, sealed for somebody else, to standard output'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "import" -d 'Takes over the keys in a bundle; asks for this keystore\'s secret, then for the bundle\'s'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "backup" -d 'Copies the keystore, sealed as it is, to a file; cron may do it while the service runs'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "restore" -d 'Puts a backup of the keystore in place, while no service runs; also on a new machine'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "rotate" -d 'Gives a category, or with --master the keystore, a new key, while files are in use'
complete -c ezncrypt -n "__fish_ezncrypt_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "test" -d 'Proves that a secret still opens the keystore, and says by which keyslot; changes nothing'
