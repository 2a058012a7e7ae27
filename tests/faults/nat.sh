# Calls from behind a real NAT. Runs in a network namespace of its own, which has no way out: it is the
# router between a location inside and the partner and a TURN server outside. Called by nat.rs, in a
# folder with configuration, probes and certificates; what the calls found goes to found/.
#
#   nat.sh RINGCHECK
set -euo pipefail
ringcheck=$1
PATH=$PATH:/usr/sbin:/sbin

# ---- the network; nothing below is done where this may not be done -----------------------------

# Names of namespaces are kept below /run.
mount -t tmpfs none /run
ip link set lo up
for place in inside outside; do
  ip netns add "$place"
  ip link add "$place" type veth peer name way netns "$place"
  ip link set "$place" up
  ip -n "$place" link set lo up
  ip -n "$place" link set way up
done
ip addr add 10.0.0.1/24 dev inside
ip addr add 203.0.113.9/24 dev outside
ip -n inside addr add 10.0.0.2/24 dev way
ip -n inside route add default via 10.0.0.1
ip -n outside addr add 203.0.113.7/24 dev way # the partner
ip -n outside addr add 203.0.113.8/24 dev way # the TURN server
echo 1 >/proc/sys/net/ipv4/ip_forward
iptables -t nat -A POSTROUTING -o outside -j MASQUERADE
touch network-is-up

# ---- who is outside ----------------------------------------------------------------------------

outside() { ip netns exec outside "$@"; }
# The control API is never asked; loopback is there for it in every namespace.
outside "$ringcheck" partner serve --config config --probes probes/any --out partner \
  --bind 203.0.113.7 --port 7000 --name 203.0.113.7 >partner.log 2>&1 &
outside turnserver -n -v -L 203.0.113.8 -E 203.0.113.8 -r test -m 1 --lt-cred-mech --no-dtls --no-cli \
  --simple-log --log-file stdout -u "$(cat config/user):$(cat config/password)" -p 3478 \
  --tls-listening-port 443 --cert turn/cert.pem --pkey turn/key.pem --pidfile turn/pid --userdb turn/db \
  >coturn.log 2>&1 &
for try in {1..200}; do
  grep -qs 'control API' partner.log && grep -qs 'UDP listener opened' coturn.log && break
  sleep 0.1
done

# ---- calls -------------------------------------------------------------------------------------

mkdir found
# calls WHEN PATH…: a call of each, all at once.
calls() {
  local when=$1 path begun=()
  shift
  for path in "$@"; do
    # It fails where a call does; what was found tells.
    ip netns exec inside "$ringcheck" check --config config --probes "probes/$path" --format json \
      >"found/$when-$path.json" 2>"found/$when-$path.err" || true &
    begun+=($!)
  done
  wait "${begun[@]}"
}

calls open any host reflexive relay-udp relay-tls

# What leaves over UDP reaches the TURN server alone.
iptables -A FORWARD -i inside -p udp -d 203.0.113.8 --dport 3478 -j ACCEPT
iptables -A FORWARD -i inside -p udp -j DROP
calls udp-to-relay any reflexive relay-udp

# Nothing leaves but TCP to the partner, and to port 443.
iptables -F FORWARD
iptables -A FORWARD -i inside -p tcp -d 203.0.113.7 --dport 7000 -j ACCEPT
iptables -A FORWARD -i inside -p tcp --dport 443 -j ACCEPT
iptables -A FORWARD -i inside -j DROP
calls only-443 any relay relay-udp relay-tls
