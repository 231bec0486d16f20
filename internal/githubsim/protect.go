package githubsim

// Protect protects a branch: changes must come through a pull request, so that
// no App can commit to it.
func (s *Server) Protect(fullName, branch string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return err
	}
	if r.protected == nil {
		r.protected = map[string]bool{}
	}
	r.protected[branch] = true
	return nil
}
