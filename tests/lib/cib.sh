# SPDX-License-Identifier: GPL-2.0
#
# Pacemaker's tools without a cluster: they read and write a CIB in a file.

# make_cib NODE PEER [PEER_STATE]: PEER_STATE is online, gone (default), unclean or
# pending
make_cib()
{
	local peer='in_ccm="false" crmd="offline" join="down" expected="down"'

	case ${3:-gone} in
	online) peer='in_ccm="true" crmd="online" join="member" expected="member"' ;;
	pending) peer='in_ccm="true" crmd="online" join="down" expected="down"' ;;
	unclean) peer='in_ccm="false" crmd="offline" join="down" expected="member"' ;;
	esac
	export CIB_file=$T/cib.xml
	cat >"$CIB_file" <<-XML
	<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
	<configuration>
	<crm_config/>
	<nodes><node id="1" uname="$1"/><node id="2" uname="$2"/></nodes>
	<resources/>
	<constraints/>
	</configuration>
	<status>
	<node_state id="1" uname="$1" in_ccm="true" crmd="online" join="member" expected="member"/>
	<node_state id="2" uname="$2" $peer/>
	</status>
	</cib>
	XML
}
