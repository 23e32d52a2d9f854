// SPDX-License-Identifier: GPL-2.0
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "readd.h"
#include "runstate.h"

static uint64_t sysfs_number(const char *path)
{
	unsigned long long n = 0;
	FILE *f = fopen(path, "re");

	if (f) {
		if (fscanf(f, "%llu", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n;
}

static void add_node(struct readd *r, const char *dir)
{
	const char *name = strrchr(dir, '/') + 1;
	struct readd_node *node = &r->nodes[r->node_count];
	char path[160];

	if (r->node_count == READD_NODES_MAX ||
	    strlen(name) >= sizeof(node->name)) {
		r->more = true;
		return;
	}
	memset(node, 0, sizeof(*node));
	strcpy(node->name, name);
	snprintf(path, sizeof(path), "%s/start", dir);
	node->start = r->node_count ? sysfs_number(path) * 512 : 0;
	snprintf(path, sizeof(path), "%s/size", dir);
	node->size = sysfs_number(path) * 512;
	r->node_count++;
}

void readd_nodes(struct readd *r)
{
	char path[3 * MD_NODE_MAX];
	glob_t found;
	size_t i;

	r->node_count = 0;
	r->more = false;
	snprintf(path, sizeof(path), "/sys/block/%s", r->disk);
	add_node(r, path);
	snprintf(path, sizeof(path), "/sys/block/%s/%s[0-9]*", r->disk,
		 r->disk);
	if (glob(path, 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		add_node(r, found.gl_pathv[i]);
	globfree(&found);
}

int readd_lock(const char *name, struct enbd_err *err)
{
	char file[MD_NODE_MAX + 16];

	snprintf(file, sizeof(file), "readd-%s.lock", name);
	return runstate_lock(file, err);
}

int readd_trylock(const char *name)
{
	char file[MD_NODE_MAX + 16];

	snprintf(file, sizeof(file), "readd-%s.lock", name);
	return runstate_trylock(file);
}

/* State of the disk that it is, or is a partition of. Return: false if not ours */
static bool read_state(const char *node, char state[16])
{
	char path[MD_NODE_MAX + 48];
	unsigned int i;
	FILE *f = NULL;

	for (i = 0; i < 2 && !f; i++) {
		snprintf(path, sizeof(path), "/sys/class/block/%s/%senbd/state",
			 node, i ? "../" : "");
		f = fopen(path, "re");
	}
	if (!f)
		return false;
	if (!fgets(state, 16, f))
		state[0] = '\0';
	fclose(f);
	return true;
}

bool readd_is_away(const char *node)
{
	char state[16];

	return read_state(node, state) && strcmp(state, "up\n");
}

bool readd_is_stale(const char *node)
{
	char state[16];

	return read_state(node, state) && !strcmp(state, "stale\n");
}
