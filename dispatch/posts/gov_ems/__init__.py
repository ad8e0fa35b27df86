"""政务专递, the interface between Jiangsu's approval network and the post, 2017 (CARRIERS §7.1). Off by default."""
