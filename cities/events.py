"""What higher rooms want to hear of a city's submission, sent inside the transaction that does it."""

from django.dispatch import Signal

#: sender Submission; submission, receipt, changed (ids of indicators whose answer or evidence differs from the
#: receipt before; everything the first time), by
handed_in = Signal()

#: sender Submission; submission, returned (a Return), by
given_back = Signal()

#: sender Submission; supplement, by — a city has answered a reviewer's question
supplement_replied = Signal()
