# Answers on standard output, per line of standard input, how a terminal treats what is typed now: echo (ICANON and ECHO),
# no_echo (ICANON without ECHO), raw (no ICANON), unknown. Ends when its input does. Asked about a terminal (/dev/pts/N),
# or, started with the argument "sockets", about the terminal that the sudo behind a socket (its inode) made for its
# command: the one question that an agent who is not root may put to a probe that is.
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

sub text { my ($file) = @_; open my $handle, '<', $file or return ''; local $/; return <$handle> // '' }

sub descriptors {
    my ($pid) = @_;
    opendir my $folder, "/proc/$pid/fd" or return;
    return map { [$_, readlink("/proc/$pid/fd/$_") // ''] } grep { /\A[0-9]+\z/ } readdir $folder;
}

# Only of root's own processes of that name, and not of a container that numbers its terminals differently.
sub is_our_sudo {
    my ($pid) = @_;
    return text("/proc/$pid/comm") eq "sudo\n"
        && text("/proc/$pid/status") =~ /^Uid:\s+[0-9]+\s+0\s/m
        && ((stat "/proc/$pid/root/dev/pts")[0] // -1) == ((stat '/dev/pts')[0] // -2);
}

my %sudo_of;    # socket => process

sub terminal_of {
    my ($socket) = @_;
    return '' unless $socket =~ /\A[1-9][0-9]{0,19}\z/;
    my @pids = exists $sudo_of{$socket} ? $sudo_of{$socket} : do { opendir my $proc, '/proc'; grep { /\A[0-9]+\z/ } readdir $proc };
    for my $pid (grep { is_our_sudo($_) } @pids) {
        my @descriptors = descriptors($pid);
        next unless grep { $_->[1] eq "socket:[$socket]" } @descriptors;
        %sudo_of = () if keys %sudo_of > 4096;
        $sudo_of{$socket} = $pid;
        for (grep { $_->[1] =~ m{\A/dev/(?:pts/)?ptmx\z} } @descriptors) {
            return "/dev/pts/$1" if text("/proc/$pid/fdinfo/$_->[0]") =~ /^tty-index:\s*([0-9]{1,10})$/m;
        }
        return '';
    }
    delete $sudo_of{$socket};
    return '';
}

my $of_sockets = @ARGV && $ARGV[0] eq 'sockets';
$| = 1;
while (my $line = <STDIN>) {
    chomp $line;
    print mode($of_sockets ? terminal_of($line) : $line), "\n";
}
