"""The structure-aware family: four papers' methods and their controls, over shared towers.

Read in this order::

    towers/             the small CLIP that all share, as an architecture of open_clip
    texts, features     captions as tokens and triples; towers token by token
    contrast, knowledge losses over whole batches; Structure-CLIP's encoder of triples
    spans, regions, alignment
                        MSG-CLIP's: entities among tokens, groups of patches, both matched
    variant             what a variant is, and what training hands it
    patches, geometry, pairs, synonyms, relating
                        regions of whole pictures, pairs of them, and scoring those
    clip, negclip, structclip, msgclip, …
                        one file per paper
    catalogue, making   variants by name; towers, transform and reader put together
    weights             safetensors that say what they are
"""
