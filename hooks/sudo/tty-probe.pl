# Answers on standard output, per line of standard input (/dev/pts/N), how that terminal treats what is typed now:
# echo (ICANON and ECHO), no_echo (ICANON without ECHO), raw (no ICANON), unknown. Ends when its input does.
# Perl, because Node cannot ask a terminal that is not its own, and perl-base is an essential package of Debian.
use strict;
use warnings;
use POSIX ();
use Fcntl qw(O_RDONLY O_NOCTTY O_NONBLOCK);

sub mode {
    my ($name) = @_;
    return 'unknown' unless $name =~ m{\A/dev/pts/[0-9]{1,10}\z};
    my $fd = POSIX::open($name, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    return 'unknown' unless defined $fd;
    my $termios = POSIX::Termios->new;
    my $known = defined $termios->getattr($fd);
    POSIX::close($fd);
    return 'unknown' unless $known;
    my $flags = $termios->getlflag;
    return 'raw' unless $flags & POSIX::ICANON;
    return $flags & POSIX::ECHO ? 'echo' : 'no_echo';
}

$| = 1;
while (my $line = <STDIN>) {
    chomp $line;
    print mode($line), "\n";
}
