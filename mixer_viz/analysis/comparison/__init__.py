"""The MetaFormer family beside the Mixer: what its token mixers listen to, what they cost, how fast they are."""
