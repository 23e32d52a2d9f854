# SPDX-License-Identifier: GPL-2.0
"""Checks of the Python parts of shell tests; "subtests" of tap.sh counts them."""


def ok(good, name):
    print('%s - %s' % ('ok' if good else 'not ok', name), flush=True)
    return good


def equal(got, want, name):
    if not ok(got == want, name):
        diag('got:    %r' % (got,))
        diag('wanted: %r' % (want,))


def diag(text):
    print(''.join('# %s\n' % line for line in str(text).splitlines()), end='',
          flush=True)
