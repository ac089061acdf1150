"""Returns by period: who owes one, what became of it, and what may still be done.

``opening.open_periods`` is the daily run. Whoever writes records calls ``settling``; whoever
merges units calls ``opening.follow``; ``listing.mine`` is what waits for somebody, and
``telling.tell`` the one place from which units are told anything.
"""
