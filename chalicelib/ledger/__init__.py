"""The arithmetic of a client's account: what was charged, what came in, what went back, what is left (DOMAIN.md 7).

Pure: entries in, balances out, integers of minor units only. An entry is a fact with an id that its cause decides, so
the same fact told twice is one fact, and the order in which facts arrive changes nothing.
"""
