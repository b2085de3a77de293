"""Projects that mirror another registry: what is pulled through them is fetched once and kept.

Such a project is a *proxy*, its registry the *upstream*. A *mark* says where a tag led when the upstream was
asked last. A manifest whose blobs are not all here yet is *held*: it is served, and becomes an artifact with its last
blob. An *arrival* is a blob on its way: a file that one process writes and all processes of the machine read.
"""
