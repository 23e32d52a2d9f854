#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
#
# An outdated leg is not promoted: the rules of ocf/lib/cluster, with Pacemaker's
# own tools on a CIB in a file.

WITHOUT_MODULE=1
. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/cib.sh"

command -v crm_attribute >/dev/null || skip_all "crm_attribute is not installed"

ocf_log()
{
	echo "$*" >>"$T/ocf.log"
}
. "$ENBD_TREE/ocf/lib/cluster"
mirror=data resource=data

# i_am alpha|beta
i_am()
{
	node=$1
	case $1 in
	alpha) peer=beta ;;
	beta) peer=alpha ;;
	esac
}

may()
{
	i_am "$1"
	is "$(why_outdated)" "" "$2"
}

may_not()
{
	i_am "$1"
	isnt "$(why_outdated)" "" "$2"
	diag "$(why_outdated)"
}

score()
{
	attribute -N "$1" --promotion=data -G -q -d none
}

# leaves NODE: what ends with its membership
leaves()
{
	clear_mark insync "$1"
	clear_mark events "$1"
}

make_cib alpha beta online
i_am alpha
is "$(peer_state)" online "a peer that is a member"

# Both came up for the first time, or after both were dead
may_not alpha "alone, nobody knows whether it is current"
set_mark events alpha 20
may_not alpha "not before the other one is there"
set_mark events beta 21
may alpha "one event less is the same"
may beta "for both"
set_mark events beta 22
may_not alpha "two less is older"
may beta "and the newer one is promoted"
set_mark events alpha 21/A.
may alpha "one less, but alone at the end, is the newer one"
may_not beta "and the other one the older"
set_mark events beta 22/AA
may_not beta "which knows both legs"
set_mark events beta 22/.A
may_not alpha "both alone is for somebody to decide"
may_not beta "on both sides"
set_mark events alpha 20/AA
set_mark events beta 21/AA
may alpha "one event less is the same when both legs are known"

# alpha is promoted, both in sync
i_am alpha
set_mark events beta 20
ok "beta is in sync" peer_current
may beta "it may take over"
is "$(score beta)" 50 "and wants to"
leaves alpha
may beta "also when alpha is dead"

# alpha goes on alone
i_am alpha
set_score beta 50
ok "beta is outdated" outdate_peer
may_not beta "it must not be promoted"
is "$(score beta)" none "its score is gone at once"
may alpha "alpha may"
leaves beta
leaves alpha
may_not beta "nor later, when nobody is promoted"
set_mark events beta 100
set_mark events alpha 20
may_not beta "whatever is in its superblock"
may alpha "alpha may, also alone"
i_am alpha
g=$(generation alpha)
ok "outdated again" outdate_peer
is "$(generation alpha)" "$g" "changes nothing"

# A promotion that comes to nothing
i_am alpha
set_generation beta "$g"
set_mark insync beta 1
ok "alpha is about to go on alone" claim
may_not beta "beta must not then"
i_am alpha
ok "alpha could not" unclaim
may beta "so beta may"
i_am alpha
nok "alpha is not ahead" ahead
ok "it goes on alone" outdate_peer
ok "it is ahead" ahead
ok "which outdates once" claim
unclaim
may_not beta "and for good"

# beta is back
i_am alpha
ok "beta is in sync again" peer_current
may beta "it may be promoted"
is "$(generation beta)" "$(generation alpha)" "the generations are equal"

# It was switched off and comes up alone, with a CIB from before
leaves alpha
leaves beta
may_not beta "alone it is not promoted, though its CIB says that both are equal"
set_mark events beta 30
may_not beta "nor with its own superblock alone"
set_mark events alpha 40
may_not beta "nor when alpha is back and newer"
may alpha "but alpha is"

# The disk of the promoted one breaks
i_am alpha
ok "beta is in sync" peer_current
set_score alpha 100
ok "alpha's own disk is broken" outdate_self
may_not alpha "alpha must not be promoted again"
is "$(score alpha)" none "its score is gone"
may beta "beta may"

i_am alpha
make_cib alpha beta gone
is "$(peer_state)" gone "a peer that was fenced"
attribute -t crm_config -n stonith-enabled -v false
is "$(peer_state)" unclean "without fencing it may be alive"
make_cib alpha beta unclean
is "$(peer_state)" unclean "a peer that may be alive"
make_cib alpha beta pending
is "$(peer_state)" "" "a peer that is just coming up: ask again"
make_cib alpha beta online
attribute -t crm_config -n stonith-enabled -v false
is "$(peer_state)" online "without fencing a member is one"
peer=b.ta
is "$(peer_state)" "" "a name is no pattern"
peer=beta

# Nothing may be acknowledged by one leg alone that the cluster does not know.
export CIB_file=$T/none.xml
nok "without a cluster nothing is written down" outdate_peer
may_not alpha "and nobody is promoted"
done_testing
