"""What the server says about itself: versions, health, figures, search over what the caller may see.

Words: a component is a part whose health is looked at; volumes are where bytes lie. Not here: the probes of load
balancers (`site`), and the settings (`configuration`).
"""
