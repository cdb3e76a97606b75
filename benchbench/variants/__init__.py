"""The structure-aware family: four papers' methods and their controls, over shared towers.

Read in this order::

    towers/             the small CLIP that all share: modules, tokenizer, preprocessing
    texts, features     captions as tokens and triples; towers token by token
    contrast, knowledge losses over whole batches; Structure-CLIP's encoder of triples
    spans, regions, alignment
                        MSG-CLIP's: entities among tokens, groups of patches, both matched
    variant             the record of a variant, and the batches it trains on
    inputs              further inputs of a batch, by name
    patches, geometry, pairs, relation_model
                        regions of whole images, pairs of them, and their scores
    clip, negclip, structclip, msgclip, …
                        one file per paper
    catalogue, building variants by name; towers, transform and reader put together
    weights             safetensors with a record of what they are
"""
