package detect

// Options are the settings of the detectors; the Config of the service is where they come from.
type Options struct {
	Threshold   float64 // of Stouffer's sum, in standard deviations
	Window      int     // points of the baseline
	MinBaseline int     // points before anything is judged
	Guard       int     // points that wait before they join the baseline
	Alpha       float64 // weight of the latest point in the EWMA
	Close       int     // good points that end an anomaly
	Accept      int     // points of an anomaly after which it is the new level
	Keep        int     // points kept to be shown
}
