#!/bin/sh
# image.sh makes the control domain of a Xen host: a disk image with Debian and its
# Xen in it, and the files that QEMU starts it from. It prints the folder they are in.
# What is there already is used again; it lies outside the tree, in LEASEHOLD_PEERS or
# the user's cache. It takes root and about two minutes, once.
#
#   disk.img             the file system, without a boot loader
#   xen vmlinuz initrd   hypervisor, and the kernel of its control domain
#   id admin             keys that may log in: one for dom0-shell alone, one for all
#   host.pub             the control domain's own key
#
# Nothing is mounted but /proc and /sys for the packages' scripts, in a mount
# namespace that ends with them.
set -eu

# What is made belongs to what it was made from: another script makes another image.
here=$(cd "$(dirname "$0")" && pwd)
kernel=$("$here/../setup/kernel.sh")
sum=$(cat "$0" "$here/guest-init" | sha256sum | cut -c 1-12)
cache=${LEASEHOLD_PEERS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/leasehold/peers}
dir=$cache/dom0-$sum
if [ -e "$dir/disk.img" ]; then
    echo "$dir"
    exit 0
fi

say() { printf 'image.sh: %s\n' "$*" >&2; }

[ "$(id -u)" -eq 0 ] || {
    say 'making a disk image of Debian takes root'
    exit 1
}
for tool in debootstrap mke2fs unshare ssh-keygen busybox; do
    command -v "$tool" >/dev/null || {
        say "$tool is missing: conformance/setup/install.sh"
        exit 1
    }
done

# The archive that this machine itself is installed from.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    sed -n 's/ bookworm main$//p' | head -n 1)
[ -n "$mirror" ] || {
    say 'the package lists name no archive of Debian 12'
    exit 1
}

mkdir -p "$cache"
work=$(mktemp -d "$cache/new-XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root

say 'installing Debian and Xen into a folder'
debootstrap --variant=minbase --include=iproute2,procps,kmod,udev,systemd-sysv,openssh-server,netbase,bridge-utils,initramfs-tools,busybox,zstd,qemu-utils \
    bookworm "$root" "$mirror" >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    exit 1
}
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
unshare --mount sh -ec '
    mount --bind /proc "$1/proc"
    mount --bind /sys "$1/sys"
    chroot "$1" apt-get update
    DEBIAN_FRONTEND=noninteractive chroot "$1" apt-get install -y --no-install-recommends \
        linux-image-amd64 xen-hypervisor-4.17-amd64 xen-utils-4.17
    chroot "$1" apt-get clean
' sh "$root" >>"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    exit 1
}
rm -rf "$root/usr/sbin/policy-rc.d" "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/locale/*

# Two machines run from this one image. Who they are comes with the kernel's command
# line: leasehold.name and leasehold.ip. eth0 is the way in, xenbr0 is the network that
# they share with each other and with their domains.
cat >"$root/usr/local/sbin/identity" <<'END'
#!/bin/sh
set -eu
for word in $(cat /proc/cmdline); do
    case $word in
    leasehold.name=*) hostname "${word#*=}" ;;
    leasehold.ip=*) ip=${word#*=} ;;
    esac
done
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
ip link add xenbr0 type bridge forward_delay 0
ip link set xenbr0 address "$(cat /sys/class/net/eth1/address)"
ip link set eth1 master xenbr0 up
ip addr add "$ip/24" dev xenbr0
ip link set xenbr0 up
END
chmod 755 "$root/usr/local/sbin/identity"
cat >"$root/etc/systemd/system/identity.service" <<'END'
[Unit]
Description=who this machine is
Before=network.target ssh.service xen.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/identity
[Install]
WantedBy=multi-user.target
END
echo '/dev/sda / ext4 errors=remount-ro,noatime 0 1' >"$root/etc/fstab"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
: >"$root/etc/machine-id"
# What domains say is kept.
echo 'XENCONSOLED_ARGS="--log=guest --log-dir=/var/log/xen/console"' >>"$root/etc/default/xen"
mkdir -p "$root/var/log/xen/console"
chroot "$root" sh -c '
    passwd -d root
    systemctl enable ssh identity xen
    systemctl mask apt-daily.timer apt-daily-upgrade.timer fstrim.timer e2scrub_all.timer dpkg-db-backup.timer systemd-timesyncd
' >>"$work/log" 2>&1

# Keys: one for the driver, which may run dom0-shell alone; one for the test, to look
# with; one with which the two machines reach each other when a domain moves.
for key in id admin peer; do ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$work/$key"; done
mkdir -p -m 700 "$root/root/.ssh"
{
    printf 'restrict,command="MIGRATE_TO='"'10.99.0.2 10.99.0.3'"' /usr/local/sbin/dom0-shell" '
    cat "$work/id.pub"
    cat "$work/admin.pub" "$work/peer.pub"
} >"$root/root/.ssh/authorized_keys"
mv "$work/peer" "$root/root/.ssh/id_ed25519"
cp "$root/etc/ssh/ssh_host_ed25519_key.pub" "$work/host.pub"
sed 's/^/10.99.0.2,10.99.0.3 /' "$work/host.pub" >"$root/root/.ssh/known_hosts"

# What domains boot: the smallest kernel of Debian, and a program that counts aloud.
guest=$root/srv/guest
mkdir -p "$guest" "$work/guest/bin" "$work/guest/proc"
cp "$kernel/vmlinuz" "$guest/vmlinuz"
cp "$(command -v busybox)" "$work/guest/bin/busybox"
install -m 755 "$here/guest-init" "$work/guest/init"
(cd "$work/guest" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -9) >"$guest/initrd"

zcat "$root/boot/xen-4.17-amd64.gz" >"$work/xen"
cp "$root"/boot/vmlinuz-* "$work/vmlinuz"
cp "$root"/boot/initrd.img-* "$work/initrd"
say 'making the disk image'
truncate -s 3G "$work/disk.img"
mke2fs -q -t ext4 -d "$root" "$work/disk.img"
rm -rf "$root" "$work/guest" "$work/peer.pub"
for old in "$cache"/dom0-*; do rm -rf "$old"; done
mv "$work" "$dir" 2>/dev/null || [ -e "$dir/disk.img" ] # somebody else may have been first
echo "$dir"
