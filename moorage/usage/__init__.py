"""How much storage is used, by whom and for how long: sizes of repositories and daily figures."""
