"""How right middleware counts HTTP: each case is a test that takes any middleware as its subject.

What the client saw is the truth. In the tests observekit is the subject; ``table.py`` runs its peers, too.
"""
